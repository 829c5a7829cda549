//! Holds ARCHITECTURE.md's table of crates: who may use whom.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Which of our crates each may use. What is not here must not be.
const MAY_USE: &[(&str, &[&str])] = &[
    ("contract", &[]),
    ("process", &[]),
    ("toast", &[]),
    ("company", &["contract"]),
    ("store", &["contract"]),
    ("rpc", &["contract"]),
    ("words", &["contract"]),
    ("engine", &["contract", "company", "process"]),
    ("worker", &["contract", "company", "engine", "process", "rpc"]),
    ("daemon", &["contract", "company", "store", "process", "rpc", "toast", "words"]),
    ("cli", &["contract", "rpc"]),
    ("aicib", &["cli", "daemon", "worker", "process"]),
    ("aicib-desktop", &["contract", "rpc", "toast", "words"]),
];

/// What must not be linked into the headless half.
const DESKTOP_ONLY: &[&str] = &["gtk", "gtk-sys", "gdk", "webkit2gtk", "webkit2gtk-sys", "wry", "tao", "tauri"];

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        // What other systems need is not downloaded here.
        .args(["--filter-platform", &format!("{}-unknown-linux-gnu", std::env::consts::ARCH)])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[test]
fn crates_use_only_what_the_table_allows() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let members: BTreeSet<&str> =
        metadata["workspace_members"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let ours: BTreeMap<&str, &Value> = packages
        .iter()
        .filter(|package| members.contains(text(package, "id")))
        .map(|package| (text(package, "name"), package))
        .collect();
    let mut wrong = Vec::new();
    for (name, package) in &ours {
        // Tests and their tools may use anything.
        if matches!(*name, "blackbox" | "testkit") {
            continue;
        }
        let Some((_, allowed)) = MAY_USE.iter().find(|(member, _)| member == name) else {
            wrong.push(format!("{name} is not in the table"));
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let used = text(dependency, "name");
            if dependency["kind"] != "dev" && ours.contains_key(used) && !allowed.contains(&used) {
                wrong.push(format!("{name} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_headless_half_links_no_desktop() {
    let metadata = metadata();
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let names: BTreeMap<&str, &str> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| (text(package, "id"), text(package, "name")))
        .collect();
    let uses: BTreeMap<&str, Vec<&str>> = nodes
        .iter()
        .map(|node| {
            let deps = node["deps"].as_array().unwrap().iter();
            let normal =
                deps.filter(|dep| dep["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"] != "dev"));
            (text(node, "id"), normal.map(|dep| text(dep, "pkg")).collect())
        })
        .collect();
    let root = names.iter().find(|(_, name)| **name == "aicib").map(|(id, _)| *id).unwrap();
    let mut seen = BTreeSet::from([root]);
    let mut left = vec![root];
    while let Some(id) = left.pop() {
        assert!(!DESKTOP_ONLY.contains(&names[id]), "aicib links {}", names[id]);
        left.extend(uses[id].iter().filter(|used| seen.insert(used)));
    }
}

/// E083: an engine is handed to whoever runs it. There is no global in which one test could leave its own for the next.
#[test]
fn e083_no_engine_is_kept_in_a_global() {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let is_global = |line: &&str| line.trim_start().trim_start_matches("pub ").starts_with("static ");
                let engines = |line: &&str| ["Engine", "Model", "Provider"].iter().any(|name| line.contains(name));
                found.extend(
                    text.lines().filter(is_global).filter(engines).map(|line| format!("{}: {line}", path.display())),
                );
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}
