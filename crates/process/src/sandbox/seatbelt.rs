//! The profile by which macOS confines a program: as on Linux, everything is denied but what is granted.

use std::fmt::Write;
use std::path::Path;

use super::{Network, Policy, folders};

/// What every program needs of the system, without files: to start others and signal them, to ask what the machine is,
/// to look names up, to have memory of its own.
const BASE: &str = r#"(version 1)
(deny default)
(allow process-fork)
(allow process-exec)
(allow process-info* (target same-sandbox))
(allow signal (target same-sandbox))
(allow sysctl-read)
(allow file-read-metadata)
(allow file-read* (literal "/"))
(allow ipc-posix-sem)
(allow mach-lookup
  (global-name "com.apple.system.opendirectoryd.libinfo")
  (global-name "com.apple.system.notification_center")
  (global-name "com.apple.system.logger")
  (global-name "com.apple.trustd")
  (global-name "com.apple.trustd.agent"))
"#;

/// The profile of a policy, in the language of `sandbox-exec`.
pub(super) fn profile(policy: &Policy) -> String {
    let mut text = BASE.to_owned();
    for device in folders::DEVICES.iter().chain(&["/dev/dtracehelper", "/dev/autofs_nowait"]) {
        let _ = writeln!(text, "(allow file-read* file-write-data file-ioctl (literal {}))", quoted(Path::new(device)));
    }
    for (path, writes) in policy.grants() {
        let what = if writes { "file-read* file-write* process-exec" } else { "file-read* process-exec" };
        // Rules are about real paths: /tmp and /var are links there.
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let _ = writeln!(text, "(allow {what} (subpath {}))", quoted(&real));
    }
    for path in &policy.keep {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let _ = writeln!(text, "(deny file-write* (subpath {}))", quoted(&real));
    }
    match &policy.network {
        Network::On => text.push_str(
            "(allow network-outbound (remote ip))\n(allow network-inbound (local ip))\n(allow network-bind (local ip))\n\
             (allow network-outbound (literal \"/private/var/run/mDNSResponder\"))\n(allow system-socket)\n",
        ),
        Network::Off => {}
        Network::Ports(ports) => {
            for port in ports {
                let _ = writeln!(text, "(allow network-outbound (remote tcp \"localhost:{port}\"))");
            }
        }
    }
    if policy.unix_sockets {
        text.push_str("(allow network* (local unix-socket))\n(allow network* (remote unix-socket))\n");
    }
    text
}

/// A string of the profile's language. Nothing in a path can end it.
fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_grants_what_the_policy_does_and_no_more() {
        let policy = Policy::default().read("/nowhere/sdk").write("/nowhere/a \"b\") (allow default");
        let text = profile(&policy.network(Network::Ports(vec![4100])));
        assert!(text.starts_with("(version 1)\n(deny default)\n"));
        assert!(text.contains("(allow file-read* process-exec (subpath \"/nowhere/sdk\"))\n"));
        assert!(text.contains(r#"process-exec (subpath "/nowhere/a \"b\") (allow default"))"#));
        assert!(text.contains("(allow network-outbound (remote tcp \"localhost:4100\"))"));
        assert!(!text.contains("unix-socket") && !text.contains("remote ip"));
        assert!(!profile(&Policy::default()).contains("network"));
    }
}
