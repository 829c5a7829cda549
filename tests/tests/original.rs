//! A folder as users of the original have it: it opens, works through a brief, and is theirs afterwards as before.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use blackbox::Terminal;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/company/tests/original")
}

/// Every file below a folder, by its path there, with its bytes.
fn files(dir: &Path) -> anyhow::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                all.insert(path.strip_prefix(dir)?.to_owned(), fs::read(&path)?);
            }
        }
    }
    Ok(all)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_original_folder_works_through_a_brief_and_its_files_change_only_where_the_user_changes_them()
-> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let theirs = files(&folder())?;
    for (name, bytes) in &theirs {
        let place = terminal.company().join(name);
        fs::create_dir_all(place.parent().unwrap_or(&place))?;
        fs::write(place, bytes)?;
    }
    let run = |args: &[&str]| terminal.run(args)?.good();
    let config = || fs::read_to_string(terminal.company().join("aicib.config.yaml"));
    run(&["config", "validate"])?;

    // The one thing that they change: which engine works.
    let before = config()?;
    run(&["config", "set", "engine.mode", "practice"])?;
    let mine = config()?;
    assert_eq!(mine, format!("{before}\nengine:\n  mode: practice\n"));

    terminal.pace(100.0).await?;
    let said = run(&["start"])?;
    assert!(said.contains("Lighthouse Bread"), "{said}");
    let said = run(&["brief", "Write the board for Monday"])?;
    assert!(said.contains("completed"), "{said}");
    let agents = run(&["agent", "list"])?;
    assert!(agents.contains("Marit"), "{agents}");
    assert_eq!(config()?, mine);
    let after = files(&terminal.company())?;
    for (name, bytes) in theirs.iter().filter(|(name, _)| !name.ends_with("aicib.config.yaml")) {
        assert_eq!(after.get(name), Some(bytes), "{}", name.display());
    }
    Ok(())
}
