//! Where the hierarchy of control groups is mounted, and where in it a process is.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

/// Where cgroup v2 is mounted: alone, or beside v1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) point: PathBuf,
    /// The group that is seen there: a container may see a part only.
    root: PathBuf,
}

pub(super) fn mount() -> Option<&'static Mount> {
    static MOUNT: OnceLock<Option<Mount>> = OnceLock::new();
    MOUNT.get_or_init(|| find_mount(&fs::read("/proc/self/mountinfo").ok()?)).as_ref()
}

fn find_mount(mounts: &[u8]) -> Option<Mount> {
    mounts.split(|byte| *byte == b'\n').find_map(|line| {
        // 35 24 0:30 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
        let after_dash = fields.iter().position(|field| *field == b"-")?;
        let is_v2 = *fields.get(after_dash + 1)? == b"cgroup2";
        is_v2.then_some(Mount { point: unescape(fields.get(4)?), root: unescape(fields.get(3)?) })
    })
}

/// The system writes a space as `\040`, and a few others so too.
fn unescape(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, after @ ..] = rest {
        let octal = after.get(..3).filter(|_| *first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    OsString::from_vec(bytes).into()
}

/// Our own group. None where it cannot be seen from here.
pub(super) fn own_dir() -> Option<PathBuf> {
    dir_of(std::process::id())
}

/// The group of a process, as a folder.
pub(super) fn dir_of(pid: u32) -> Option<PathBuf> {
    folder(mount()?, &fs::read(format!("/proc/{pid}/cgroup")).ok()?)
}

fn folder(mount: &Mount, groups: &[u8]) -> Option<PathBuf> {
    // Of the hierarchies, v2 is the one with the number 0 and without a controller.
    let group = groups.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"0::"))?;
    let group = Path::new(std::ffi::OsStr::from_bytes(group));
    let inside = group.strip_prefix(&mount.root).ok()?;
    // What lies outside of what we see begins with `/..`.
    let is_plain = inside.components().all(|component| matches!(component, Component::Normal(_)));
    is_plain.then(|| if inside.as_os_str().is_empty() { mount.point.clone() } else { mount.point.join(inside) })
}

/// The groups right below one.
pub(super) fn sub_dirs(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let dirs = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    dirs.map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mounted(line: &str) -> Option<Mount> {
        find_mount(line.as_bytes())
    }

    #[test]
    fn the_mount_is_found_alone_and_beside_the_older_kind() {
        let alone = "28 23 0:25 / /sys/fs/cgroup rw,nosuid,nodev shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        assert_eq!(mounted(alone), Some(Mount { point: "/sys/fs/cgroup".into(), root: "/".into() }));
        let beside = "27 23 0:24 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
                      36 23 0:33 /a\\040b /sys/fs/cgroup/the\\040new rw - cgroup2 none rw\n";
        assert_eq!(mounted(beside), Some(Mount { point: "/sys/fs/cgroup/the new".into(), root: "/a b".into() }));
        assert_eq!(mounted("27 23 0:24 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"), None);
        assert_eq!(mounted(""), None);
    }

    #[test]
    fn a_group_is_a_folder_below_the_mount() {
        let whole = Mount { point: "/cg".into(), root: "/".into() };
        let part = Mount { point: "/cg".into(), root: "/box/1".into() };
        assert_eq!(folder(&whole, b"9:name=systemd:/x\n0::/user/app\n"), Some("/cg/user/app".into()));
        assert_eq!(folder(&whole, b"0::/\n"), Some("/cg".into()));
        assert_eq!(folder(&part, b"0::/box/1/app\n"), Some("/cg/app".into()));
        assert_eq!(folder(&part, b"0::/box/1\n"), Some("/cg".into()));
        assert_eq!(folder(&part, b"0::/box/2\n"), None, "not seen from here");
        assert_eq!(folder(&whole, b"0::/../other\n"), None, "outside of our namespace");
        assert_eq!(folder(&whole, b"4:memory:/x\n"), None);
    }
}
