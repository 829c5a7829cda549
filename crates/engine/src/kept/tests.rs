//! Real folders, changed by commands.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use contract::{KEPT_LIST, Kept, KeptState};
use tempfile::TempDir;

use super::*;

const LONG: Duration = Duration::from_secs(60);

struct Place {
    _temp: TempDir,
    company: PathBuf,
    run: PathBuf,
    kept: KeptFiles,
}

fn place() -> Place {
    let temp = tempfile::tempdir().unwrap();
    let (company, run) = (temp.path().join("acme"), temp.path().join("run"));
    fs::create_dir(&company).unwrap();
    fs::create_dir(&run).unwrap();
    let kept = KeptFiles::new(&run);
    Place { _temp: temp, company, run, kept }
}

impl Place {
    fn put(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.company.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn survey(&self) {
        self.kept.survey(&self.company, LONG, &|| false);
    }

    /// A command of an agent's.
    fn command(&self, command: &str) {
        assert!(Command::new("sh").args(["-c", command]).current_dir(&self.company).status().unwrap().success());
    }

    fn found(&self) -> Found {
        self.kept.found(&self.company, &BTreeSet::new(), LONG)
    }

    fn own_write(&self, path: &str, content: &str) {
        let dir = Dir::open_ambient_dir(&self.company, ambient_authority()).unwrap();
        self.kept.before(&dir, Path::new(path));
        self.put(path, content);
    }

    /// What is kept of a file: its state, and its content.
    fn image(&self, folder: &str, path: &str) -> Option<(KeptState, Option<String>)> {
        let folder = self.run.join(folder);
        let list = fs::read_to_string(folder.join(KEPT_LIST)).ok()?;
        let kept =
            list.lines().map(|line| serde_json::from_str::<Kept>(line).unwrap()).find(|kept| kept.path == path)?;
        Some((kept.state, kept.file.map(|file| fs::read_to_string(folder.join(file)).unwrap())))
    }

    fn before(&self, path: &str) -> Option<(KeptState, Option<String>)> {
        self.image(KEPT_BEFORE, path)
    }

    fn after(&self, path: &str) -> Option<(KeptState, Option<String>)> {
        self.image(KEPT_AFTER, path)
    }
}

fn is(text: &str) -> Option<(KeptState, Option<String>)> {
    Some((KeptState::Kept, Some(text.into())))
}

const ABSENT: Option<(KeptState, Option<String>)> = Some((KeptState::Absent, None));

fn change(path: &str, created: bool, added: i64, removed: i64) -> FileChange {
    FileChange { path: path.into(), created, added, removed }
}

#[test]
fn what_a_command_does_to_files_is_found_with_what_they_were() {
    let place = place();
    place.put("docs/plan.md", "one\ntwo\nthree\n");
    place.put("old.md", "gone\nsoon\n");
    place.put("same.md", "as ever\n");
    place.put("touched.md", "as ever\n");
    place.survey();
    place.command(
        "printf 'one\\n2\\nthree\\nfour\\n' > docs/plan.md && rm old.md && echo new > docs/new.md && touch touched.md",
    );
    let mut found = place.found();
    found.changes.sort_by(|a, b| a.path.cmp(&b.path));
    let changes =
        vec![change("docs/new.md", true, 1, 0), change("docs/plan.md", false, 2, 1), change("old.md", false, 0, 2)];
    assert_eq!(found, Found { changes, more: false });
    assert_eq!(place.before("docs/plan.md"), is("one\ntwo\nthree\n"));
    assert_eq!(place.after("docs/plan.md"), is("one\n2\nthree\nfour\n"));
    assert_eq!((place.before("docs/new.md"), place.after("docs/new.md")), (ABSENT, is("new\n")));
    assert_eq!((place.before("old.md"), place.after("old.md")), (is("gone\nsoon\n"), ABSENT));
    for path in ["same.md", "touched.md"] {
        assert_eq!((place.before(path), place.after(path)), (None, None), "what did not change takes no room");
    }
}

#[test]
fn a_look_that_ends_after_the_run_has_begun_tells_nothing_wrong() {
    let place = place();
    place.put("plan.md", "before\n");
    place.kept.begin();
    place.command("echo by the run > plan.md");
    place.survey();
    place.command("echo again > plan.md");
    assert_eq!(place.found(), Found::default());
    assert_eq!(place.before("plan.md"), None, "what the run wrote is not what there was");
}

#[test]
fn a_file_is_not_left_out_for_the_name_of_a_folder() {
    let place = place();
    place.put("target", "one\n");
    place.put("node_modules/x.js", "x\n");
    place.survey();
    place.command("echo two > target && echo y > node_modules/x.js");
    assert_eq!(place.found().changes, [change("target", false, 1, 1)]);
}

#[test]
fn our_own_writes_keep_what_was_there_before_the_first_of_them() {
    let place = place();
    place.put("a.md", "first\n");
    place.own_write("a.md", "second\n");
    place.own_write("a.md", "third\n");
    place.own_write("docs/b.md", "new\n");
    assert_eq!(place.found(), Found::default(), "nobody looked through the folder");
    assert_eq!((place.before("a.md"), place.after("a.md")), (is("first\n"), is("third\n")));
    assert_eq!((place.before("docs/b.md"), place.after("docs/b.md")), (ABSENT, is("new\n")));
}

#[test]
fn what_was_told_is_not_told_again_and_a_command_before_our_write_is_not_what_was_there() {
    let place = place();
    place.put("a.md", "first\n");
    place.survey();
    place.command("echo changed > a.md");
    place.own_write("a.md", "ours\n");
    place.command("echo other > b.md");
    let found = place.kept.found(&place.company, &["a.md".to_owned()].into(), LONG);
    assert_eq!(found.changes, [change("b.md", true, 1, 0)]);
    assert_eq!((place.before("a.md"), place.after("a.md")), (is("first\n"), is("ours\n")));
}

#[test]
fn binaries_and_large_files_are_named_and_not_kept() {
    let place = place();
    let large = "a line of a large file\n".repeat(100_000);
    place.put("logo.png", [0x89, 0x50, 0x00, 0xff]);
    place.put("same.png", [0x00, 0xff]);
    place.put("large.csv", &large);
    place.put("grows.txt", "small\n");
    place.survey();
    place.command(
        "printf '\\211\\000x' > logo.png && touch same.png && echo more >> large.csv && cp large.csv grows.txt",
    );
    let mut found = place.found();
    found.changes.sort_by(|a, b| a.path.cmp(&b.path));
    let named = ["grows.txt", "large.csv", "logo.png"].map(|path| change(path, false, 0, 0));
    assert_eq!(found, Found { changes: named.into(), more: false });
    assert_eq!(place.before("logo.png"), Some((KeptState::Binary, None)));
    assert_eq!(place.after("logo.png"), Some((KeptState::Binary, None)));
    assert_eq!(place.before("large.csv"), Some((KeptState::TooLarge, None)));
    assert_eq!(
        (place.before("grows.txt"), place.after("grows.txt")),
        (is("small\n"), Some((KeptState::TooLarge, None)))
    );
}

#[test]
fn links_are_not_followed_and_what_lies_outside_is_never_read() {
    let place = place();
    let outside = place.run.with_file_name("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "the secret\n").unwrap();
    symlink(&outside, place.company.join("out")).unwrap();
    symlink(outside.join("secret"), place.company.join("link")).unwrap();
    place.put("a.md", "first\n");
    place.put("dir/b.md", "inside\n");
    place.survey();
    place.command("echo changed >> ../outside/secret && rm a.md && ln -s ../outside/secret a.md");
    place.command("rm -r dir && ln -s ../outside dir && cp ../outside/secret ../outside/b.md && ln -s a.md new");
    let mut found = place.found();
    found.changes.sort_by(|a, b| a.path.cmp(&b.path));
    assert_eq!(found.changes, [change("a.md", false, 0, 1), change("dir/b.md", false, 0, 1)]);
    assert_eq!((place.before("a.md"), place.after("a.md")), (is("first\n"), ABSENT));
    let all = Command::new("grep").args(["-r", "secret"]).arg(&place.run).output().unwrap();
    assert!(all.stdout.is_empty(), "{}", String::from_utf8_lossy(&all.stdout));
}

#[test]
fn what_git_ignores_and_what_is_made_from_other_files_is_left_out() {
    let place = place();
    place.put(".gitignore", "*.log\nbuild/\n");
    place.survey();
    place.command("mkdir -p build .git node_modules/x target src && for f in a.log build/b .git/c node_modules/x/d target/e src/f; do echo x > $f; done");
    assert_eq!(place.found().changes, [change("src/f", true, 1, 0)]);
}

#[test]
fn twenty_thousand_files_are_looked_through_quickly_and_keep_little() {
    let place = place();
    for n in 0..20_000 {
        place.put(&format!("d{}/f{n}.txt", n % 100), format!("number {n}\n"));
    }
    let began = Instant::now();
    place.survey();
    place.command("echo more >> d7/f7.txt && echo more >> d99/f19999.txt && rm d3/f3.txt && echo x > d0/new");
    let found = place.found();
    // Generous for a machine that does much else: without a bound on what is kept it would be far more.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!(!found.more);
    let mut paths: Vec<&str> = found.changes.iter().map(|change| change.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["d0/new", "d3/f3.txt", "d7/f7.txt", "d99/f19999.txt"]);
    // The one was among the first, whose contents are kept.
    assert_eq!(place.before("d3/f3.txt").unwrap().0, KeptState::Kept);
    assert_eq!(place.before("d99/f19999.txt"), Some((KeptState::TooLarge, None)));
    assert!(fs::read_dir(place.run.join(KEPT_BEFORE)).unwrap().count() < 10);
}

#[test]
fn a_look_that_is_cut_short_claims_nothing_that_it_does_not_know() {
    let place = place();
    for n in 0..100 {
        place.put(&format!("f{n:03}.txt"), "x\n");
    }
    let looks = std::cell::Cell::new(0);
    place.kept.survey(&place.company, LONG, &|| {
        looks.set(looks.get() + 1);
        looks.get() > 50
    });
    place.command("echo y > f001.txt && echo y > f099.txt && echo y > new.txt");
    let found = place.found();
    assert_eq!(found, Found { changes: vec![change("f001.txt", false, 1, 1)], more: true });
}

#[test]
fn a_thousand_changes_too_many_are_counted_as_more() {
    let place = place();
    place.survey();
    place.command("i=0; while [ $i -lt 2100 ]; do echo $i > f$i; i=$((i+1)); done");
    let found = place.found();
    assert_eq!((found.changes.len(), found.more), (MOST_FOUND, true));
}
