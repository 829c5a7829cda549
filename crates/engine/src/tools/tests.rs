//! The file tools on a real folder, with paths that try to leave it.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;

use super::*;

struct Folder {
    _outer: TempDir,
    dir: PathBuf,
    outside: PathBuf,
    tools: Toolbox,
}

fn folder() -> Folder {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("company");
    let outside = outer.path().join("outside");
    fs::create_dir(&dir).unwrap();
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret.txt"), "the secret").unwrap();
    fs::write(dir.join("aicib.config.yaml"), "company: {name: Acme}\n").unwrap();
    fs::create_dir_all(dir.join(".claude/agents")).unwrap();
    let tools = Toolbox::new(Workspace::open(&dir).unwrap(), None);
    Folder { _outer: outer, dir, outside, tools }
}

impl Folder {
    async fn run(&self, tool: Tool, input: Value) -> Done {
        self.tools.run(tool, &input, &CancellationToken::new(), &|_| {}).await
    }

    async fn write(&self, path: &str, content: &str) -> Done {
        self.run(Tool::Write, json!({ "file_path": path, "content": content })).await
    }

    async fn read(&self, path: &str) -> Done {
        self.run(Tool::Read, json!({ "file_path": path })).await
    }
}

#[tokio::test]
async fn files_are_written_read_changed_and_found() {
    let f = folder();
    let done = f.write("docs/deep/a.md", "one\ntwo\nthree\n").await;
    assert!(done.ok, "{}", done.output);
    let change = done.change.unwrap();
    assert_eq!((change.path.as_str(), change.created, change.added, change.removed), ("docs/deep/a.md", true, 3, 0));

    let edit = json!({ "file_path": f.dir.join("docs/deep/a.md"), "old_string": "two", "new_string": "2\n2b" });
    let change = f.run(Tool::Edit, edit).await.change.unwrap();
    assert_eq!((change.created, change.added, change.removed), (false, 2, 1));
    assert_eq!(fs::read_to_string(f.dir.join("docs/deep/a.md")).unwrap(), "one\n2\n2b\nthree\n");

    let read = f.run(Tool::Read, json!({ "file_path": "docs/deep/a.md", "offset": 2, "limit": 2 })).await;
    assert_eq!(read.output, "     2\t2\n     3\t2b\n[more follows: read on with offset 4]\n");
    let list = f.run(Tool::List, json!({})).await;
    assert_eq!(list.output, ".claude/\naicib.config.yaml (22 bytes)\ndocs/");
    let glob = f.run(Tool::Glob, json!({ "pattern": "docs/**/*.md" })).await;
    assert_eq!(glob.output, "docs/deep/a.md");
    let grep = f.run(Tool::Grep, json!({ "pattern": "^t.*e$", "glob": "*.md" })).await;
    assert_eq!(grep.output, "docs/deep/a.md:4:three");
}

#[tokio::test]
async fn no_path_leads_out() {
    let f = folder();
    symlink(&f.outside, f.dir.join("door")).unwrap();
    symlink("../outside/secret.txt", f.dir.join("window")).unwrap();
    let absolute = f.outside.join("secret.txt");
    let absolute = absolute.to_str().unwrap();
    for path in
        ["../outside/secret.txt", "docs/../../outside/secret.txt", absolute, "door/secret.txt", "window", "/etc/passwd"]
    {
        let read = f.read(path).await;
        assert!(!read.ok && read.output.contains("outside the company folder"), "{path}: {}", read.output);
        let write = f.write(path, "broken in").await;
        assert!(!write.ok, "{path}: {}", write.output);
        let grep = f.run(Tool::Grep, json!({ "pattern": "secret", "path": path })).await;
        assert!(!grep.output.contains("the secret"), "{path}: {}", grep.output);
    }
    assert!(!f.write("door/new.txt", "x").await.ok);
    assert!(!f.run(Tool::List, json!({ "path": "door" })).await.ok);
    let glob = f.run(Tool::Glob, json!({ "pattern": "**/*.txt" })).await;
    assert!(!glob.output.contains("secret"), "{}", glob.output);
    assert_eq!(fs::read_to_string(f.outside.join("secret.txt")).unwrap(), "the secret");
    assert_eq!(fs::read_dir(&f.outside).unwrap().count(), 1);
}

#[tokio::test]
async fn agents_do_not_change_their_own_limits() {
    let f = folder();
    symlink(".claude", f.dir.join("docs")).unwrap();
    symlink("aicib.config.yaml", f.dir.join("config")).unwrap();
    for path in [
        "aicib.config.yaml",
        "./aicib.config.yaml",
        "AICIB.config.yaml",
        "config",
        ".claude/agents/ceo.md",
        ".Claude/agents/ceo.md",
        "docs/agents/ceo.md",
        ".git/hooks/post-checkout",
        "sub/.git/config",
    ] {
        let done = f.write(path, "tools: all").await;
        assert!(!done.ok && done.output.contains("founder"), "{path}: {}", done.output);
    }
    assert_eq!(fs::read_to_string(f.dir.join("aicib.config.yaml")).unwrap(), "company: {name: Acme}\n");
    assert!(f.read("aicib.config.yaml").await.ok, "reading is no harm");
}

#[tokio::test]
async fn pipes_and_folders_are_refused_at_once() {
    let f = folder();
    let made = std::process::Command::new("mkfifo").arg(f.dir.join("pipe")).status().unwrap();
    assert!(made.success());
    for path in ["pipe", "docs", "."] {
        if path == "docs" {
            fs::create_dir(f.dir.join("docs")).unwrap();
        }
        let limit = std::time::Duration::from_secs(5);
        let read = tokio::time::timeout(limit, f.read(path)).await.expect("it does not block");
        assert!(!read.ok, "{path}");
        let write = tokio::time::timeout(limit, f.write(path, "x")).await.expect("it does not block");
        assert!(!write.ok, "{path}");
    }
    let grep = f.run(Tool::Grep, json!({ "pattern": "x" })).await;
    assert!(grep.ok);
}

#[tokio::test]
async fn a_file_keeps_its_mode_and_no_temporary_file_stays() {
    let f = folder();
    let file = f.dir.join("run.sh");
    fs::write(&file, "old\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o750)).unwrap();
    let done = f.write("run.sh", "new\n").await;
    assert!(done.ok, "{}", done.output);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o750);
    let names: Vec<_> = fs::read_dir(&f.dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[tokio::test]
async fn a_link_inside_is_followed_and_stays_a_link() {
    let f = folder();
    fs::write(f.dir.join("real.md"), "old").unwrap();
    symlink("real.md", f.dir.join("alias.md")).unwrap();
    assert!(f.write("alias.md", "new").await.ok);
    assert_eq!(fs::read_to_string(f.dir.join("real.md")).unwrap(), "new");
    assert!(f.dir.join("alias.md").is_symlink());
}

#[tokio::test]
async fn what_is_too_much_is_cut_or_refused() {
    let f = folder();
    assert!(!f.write("big.txt", &"x".repeat(5 * 1024 * 1024 + 1)).await.ok);
    fs::write(f.dir.join("binary"), b"ab\0cd").unwrap();
    assert!(f.read("binary").await.output.contains("not a text file"));
    fs::write(f.dir.join("long.txt"), format!("{}\nend\n", "y".repeat(3_000_000))).unwrap();
    let read = f.read("long.txt").await;
    assert!(read.ok && read.output.len() < 3_000 && read.output.contains("end"), "{}", read.output.len());
    fs::write(f.dir.join("many.txt"), "line\n".repeat(100_000)).unwrap();
    let read = f.run(Tool::Read, json!({ "file_path": "many.txt", "limit": 100_000 })).await;
    assert!(read.output.len() <= 256 * 1024 + 100 && read.output.contains("read on with offset"));
    let grep = f.run(Tool::Grep, json!({ "pattern": "line" })).await;
    assert!(grep.output.contains("ended early") && grep.output.len() < 70_000);
    let bad = f.run(Tool::Grep, json!({ "pattern": "(" })).await;
    assert!(!bad.ok);
}

#[tokio::test]
async fn an_edit_that_is_not_clear_changes_nothing() {
    let f = folder();
    fs::write(f.dir.join("a.txt"), "x x").unwrap();
    for (old, new) in [("x", "y"), ("z", "y"), ("", "y"), ("x", "x")] {
        let input = json!({ "file_path": "a.txt", "old_string": old, "new_string": new });
        assert!(!f.run(Tool::Edit, input).await.ok, "{old:?} {new:?}");
    }
    assert_eq!(fs::read_to_string(f.dir.join("a.txt")).unwrap(), "x x");
    let all = json!({ "file_path": "a.txt", "old_string": "x", "new_string": "y", "replace_all": true });
    assert!(f.run(Tool::Edit, all).await.ok);
    assert_eq!(fs::read_to_string(f.dir.join("a.txt")).unwrap(), "y y");
}

#[tokio::test]
async fn searches_leave_out_git_and_what_it_ignores() {
    let f = folder();
    fs::create_dir_all(f.dir.join(".git")).unwrap();
    fs::create_dir_all(f.dir.join("node_modules")).unwrap();
    fs::write(f.dir.join(".gitignore"), "node_modules\n").unwrap();
    for path in [".git/a.md", "node_modules/b.md", "c.md"] {
        fs::write(f.dir.join(path), "word\n").unwrap();
    }
    assert_eq!(f.run(Tool::Glob, json!({ "pattern": "**/*.md" })).await.output, "c.md");
    assert_eq!(f.run(Tool::Grep, json!({ "pattern": "word" })).await.output, "c.md:1:word");
}

#[test]
fn tools_are_known_by_claudes_names_too() {
    for (name, tool) in
        [("LS", Tool::List), ("Task", Tool::Delegate), ("bash", Tool::Bash), ("delegate", Tool::Delegate)]
    {
        assert_eq!(Tool::named(name), Some(tool));
    }
    assert_eq!(Tool::named("WebSearch"), None);
}
