//! A confined program tries to get out. Each act is tried unconfined first, where that is possible, so that it is the
//! confinement that refuses it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::io::Read;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use common::{BOUND, Sweep, fresh_mark, registered};
use process::sandbox::{Level, SANDBOX_EXEC, support};
use process::{Confine, Identity, Network, Policy, Shell, census, run_shell};
use tokio_util::sync::CancellationToken;

const ACTS: &str = env!("CARGO_BIN_EXE_confined-acts");
const NOT_PERMITTED: &str = "os error 1)";
const DENIED: &str = "os error 13)";
/// What some systems do not give a plain user, and containers nobody.
const MOUNTS: &str = "no user namespaces";
const MISSING: &str = "os error 38)";

/// A company's folder, a run's temp folder, and a founder's home with something to steal.
struct Place {
    root: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let place = Place { root: tempfile::tempdir().unwrap() };
        for folder in ["company", "run/tmp", "home/.ssh"] {
            fs::create_dir_all(place.at(folder)).unwrap();
        }
        fs::write(place.key(), "the founder's key").unwrap();
        // It stays as it is, so that there are mounts of one's own in every test.
        fs::write(place.at("company/aicib.config.yaml"), "company: {}\n").unwrap();
        place
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn key(&self) -> PathBuf {
        self.at("home/.ssh/id")
    }

    fn policy(&self) -> Policy {
        Policy::new(&self.at("company"), &self.at("run/tmp")).read(Path::new(ACTS).parent().unwrap())
    }

    /// Acts unconfined.
    fn free(&self, act: &[&str]) -> Result<String, String> {
        told(std::process::Command::new(ACTS).args(act).current_dir(self.at("company")).output())
    }

    /// Acts confined.
    fn confined(&self, act: &[&str]) -> Result<String, String> {
        self.under(&self.policy(), act)
    }

    fn under(&self, policy: &Policy, act: &[&str]) -> Result<String, String> {
        let policy = serde_json::to_string(policy).unwrap();
        let wrapper = [SANDBOX_EXEC, "--policy", &policy, "--", ACTS];
        told(std::process::Command::new(ACTS).args(wrapper).args(act).current_dir(self.at("company")).output())
    }

    /// It works unconfined, and confined it is refused in these words.
    #[track_caller]
    fn refuses(&self, act: &[&str], word: &str) {
        let free = self.free(act);
        assert!(free.is_ok(), "unconfined, {act:?}: {free:?}");
        self.refuses_at_least(act, word);
    }

    /// The same where it may not work unconfined either (another guard, a kernel without it).
    #[track_caller]
    fn refuses_at_least(&self, act: &[&str], word: &str) {
        let confined = self.confined(act);
        assert!(confined.as_ref().is_err_and(|why| why.contains(word)), "confined, {act:?}: {confined:?}");
    }
}

fn told(output: std::io::Result<std::process::Output>) -> Result<String, String> {
    let output = output.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(format!("{} {}", output.status, text(&output.stderr)))
    }
}

/// A process outside, which ends with the test.
struct Outside(Child);

impl Outside {
    fn new() -> Outside {
        Outside(std::process::Command::new("sleep").arg("60").env("PLANTED", "secret-in-environ").spawn().unwrap())
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[track_caller]
fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn this_kernel_can_confine() {
    // Where it cannot, other tests here fail; this one says why.
    let support = support();
    assert!(support.level == Level::Full || support.missing.iter().all(|what| what.contains(MOUNTS)), "{support:?}");
}

#[test]
fn its_own_folders_are_its_own() {
    let place = Place::new();
    for folder in ["company", "run/tmp"] {
        let file = place.at(folder).join("file");
        assert_eq!(place.confined(&["write", text(&file)]).unwrap(), "done");
        assert_eq!(place.confined(&["read", text(&file)]).unwrap(), "overwritten");
        let moved = place.at("company/moved");
        place.confined(&["move", text(&file), text(&moved)]).unwrap();
        place.confined(&["delete", text(&moved)]).unwrap();
    }
    assert!(place.at("run/tmp/home").is_dir(), "it has a home");
}

#[test]
fn a_file_outside_is_not_read_by_any_of_its_names() {
    let place = Place::new();
    symlink(place.key(), place.at("company/link")).unwrap();
    symlink(place.at("home"), place.at("company/dir-link")).unwrap();
    let outside = Outside::new();
    let key = place.key();
    for name in [
        text(&key).to_owned(),
        "link".to_owned(),
        "dir-link/.ssh/id".to_owned(),
        "../home/.ssh/id".to_owned(),
        format!("{}/../../home/.ssh/id", place.at("run/tmp").display()),
        format!("/proc/self/root{}", key.display()),
        "/proc/self/cwd/../home/.ssh/id".to_owned(),
        format!("/proc/thread-self/root{}", key.display()),
        format!("/proc/{}/root{}", outside.pid(), key.display()),
    ] {
        place.refuses(&["read", &name], DENIED);
    }
    place.refuses(&["list", text(&place.at("home"))], DENIED);
    place.refuses(&["list", text(place.root.path())], DENIED);
    place.refuses(&["descriptor", text(&place.at("home")), ".ssh/id"], DENIED);
}

#[test]
fn a_file_outside_is_neither_changed_nor_linked_nor_moved() {
    let place = Place::new();
    let (key, inside) = (place.key(), place.at("company/mine"));
    let (key, inside) = (text(&key), text(&inside));
    for act in [vec!["append", key], vec!["link", key, inside]] {
        place.refuses(&act, "os error");
        let _ = fs::remove_file(inside);
    }
    for act in [
        vec!["write", key],
        vec!["truncate", key],
        vec!["delete", key],
        vec!["move", key, inside],
        vec!["write", text(&place.at("home/new"))],
        vec!["symlink", key, text(&place.at("home/new"))],
    ] {
        place.refuses_at_least(&act, "os error");
    }
    // Out of the folder: what others trust must not become a name of what it may change.
    fs::write(inside, "bait").unwrap();
    place.refuses(&["link", inside, text(&place.at("home/bait"))], "os error");
    assert_eq!(fs::read_to_string(key).unwrap(), "the founder's key");
    assert!(!place.at("home/new").exists());
}

#[test]
fn a_link_where_a_folder_was_granted_grants_nothing() {
    let place = Place::new();
    // An earlier command of the same run put links where the policy names a folder and its home.
    symlink(place.at("home"), place.at("run/tmp/home")).unwrap();
    symlink(place.at("home"), place.at("company/state")).unwrap();
    let policy = place.policy().write(place.at("company/state")).read(place.at("company/state"));
    let refused = place.under(&policy, &["read", text(&place.key())]);
    assert!(refused.as_ref().is_err_and(|why| why.contains(DENIED)), "{refused:?}");
}

#[test]
fn it_does_not_rewrite_what_says_what_it_may_do() {
    let place = Place::new();
    if support().missing.iter().any(|what| what.contains(MOUNTS)) {
        eprintln!("skipped: this system gives a plain user no mounts of their own");
        return;
    }
    let (config, agents) = (place.at("company/aicib.config.yaml"), place.at("company/.claude"));
    fs::create_dir_all(agents.join("agents")).unwrap();
    fs::write(agents.join("agents/ceo.md"), "the CEO").unwrap();
    let ceo = agents.join("agents/ceo.md");
    let servers = place.at("company/.mcp.json");
    let codex = place.at("company/.codex");
    fs::create_dir(&codex).unwrap();
    fs::write(&servers, "{}").unwrap();
    let elsewhere = place.at("company/elsewhere");
    for act in [
        vec!["write", text(&config)],
        vec!["append", text(&config)],
        vec!["truncate", text(&ceo)],
        vec!["delete", text(&ceo)],
        vec!["delete", text(&config)],
        vec!["move", text(&config), text(&elsewhere)],
        vec!["move", text(&agents), text(&elsewhere)],
        vec!["link", text(&config), text(&elsewhere)],
        vec!["write", text(&agents.join("agents/cto.md"))],
        vec!["write", text(&servers)],
        vec!["move", text(&servers), text(&elsewhere)],
        vec!["write", text(&codex.join("config.toml"))],
        vec!["write", "/proc/self/cwd/aicib.config.yaml"],
    ] {
        place.refuses_at_least(&act, "os error");
    }
    assert_eq!(place.confined(&["read", text(&config)]).unwrap(), "company: {}\n", "it may read them");
    assert_eq!(place.confined(&["read", text(&ceo)]).unwrap(), "the CEO");
    place.confined(&["write", text(&place.at("company/page.md"))]).unwrap();
    place.confined(&["move", text(&place.at("company/page.md")), text(&elsewhere)]).unwrap();
    assert_eq!(place.free(&["write", text(&config)]).unwrap(), "done", "unconfined they are files like any other");
}

#[test]
fn what_is_given_up_does_not_come_back() {
    let place = Place::new();
    let wide = serde_json::to_string(&place.policy().read("/").write(place.at("home"))).unwrap();
    let again = [SANDBOX_EXEC, "--policy", &wide, "--", ACTS, "read", text(&place.key())].map(str::to_owned);
    let narrow = serde_json::to_string(&place.policy()).unwrap();
    let run = |first: &str| {
        let wrapper = [SANDBOX_EXEC, "--policy", first, "--", ACTS];
        told(std::process::Command::new(ACTS).args(wrapper).args(&again).current_dir(place.at("company")).output())
    };
    assert_eq!(run(&wide).unwrap(), "the founder's key");
    assert!(run(&narrow).unwrap_err().contains(DENIED));
}

#[test]
fn a_policy_that_cannot_be_read_starts_nothing() {
    let place = Place::new();
    let mark = place.at("company/started");
    for policy in ["{}", "", r#"{"read":["/"],"write":["/"],"network":"no"}"#] {
        let wrapper = [SANDBOX_EXEC, "--policy", policy, "--", ACTS, "write", text(&mark)];
        let output = std::process::Command::new(ACTS).args(wrapper).output().unwrap();
        assert_eq!(output.status.code(), Some(125), "{policy}");
    }
    assert!(!mark.exists());
}

#[test]
fn other_processes_are_neither_read_nor_traced_nor_signalled() {
    let place = Place::new();
    let outside = Outside::new();
    let pid = outside.pid();
    let of = |file: &str| format!("/proc/{pid}/{file}");
    assert!(place.free(&["read", &of("environ")]).unwrap().contains("secret-in-environ"));
    for file in ["environ", "maps", "auxv"] {
        place.refuses(&["read", &of(file)], "os error");
    }
    place.refuses_at_least(&["read", &of("mem")], "os error");
    for link in ["cwd", "root", "exe", "fd/0"] {
        place.refuses(&["readlink", &of(link)], "os error");
    }
    place.refuses(&["kill", &pid], NOT_PERMITTED);
    place.refuses(&["limit", &pid], NOT_PERMITTED);
    // A system that lets nobody trace but parents refuses it unconfined as well.
    place.refuses_at_least(&["trace", &pid], NOT_PERMITTED);
    let own = place.confined(&["read", "/proc/self/environ"]).unwrap();
    assert!(own.contains("PATH="), "its own it may read");
    for file in ["/proc/self/status", "/proc/meminfo", "/proc/cpuinfo"] {
        place.confined(&["read", file]).unwrap();
    }
}

#[test]
fn no_socket_leads_to_a_service() {
    let place = Place::new();
    // As the session bus, docker.sock, the ssh agent and our own daemon listen.
    let path = place.at("home/bus");
    let _bus = UnixListener::bind(&path).unwrap();
    let inside = place.at("company/socket");
    let _inside = UnixListener::bind(&inside).unwrap();
    let log = place.at("company/log");
    let _log = UnixDatagram::bind(&log).unwrap();
    let name = format!("aicib-test-{}", std::process::id());
    let _abstract = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    place.refuses(&["unix", text(&path)], NOT_PERMITTED);
    place.refuses(&["unix", text(&inside)], NOT_PERMITTED);
    place.refuses(&["datagram", text(&log)], NOT_PERMITTED);
    place.refuses(&["datagram-pair", text(&log)], NOT_PERMITTED);
    place.refuses(&["abstract", &name], NOT_PERMITTED);
    assert_eq!(place.confined(&["unix-pair"]).unwrap(), "pair!", "what a process makes for its children works");

    let mut granted = place.policy();
    granted.unix_sockets = true;
    assert_eq!(place.under(&granted, &["unix", text(&inside)]).unwrap(), "done");
    for real in ["/var/run/docker.sock", "/run/dbus/system_bus_socket"] {
        if Path::new(real).exists() {
            place.refuses_at_least(&["unix", real], NOT_PERMITTED);
        }
    }
}

#[test]
fn without_a_network_no_packet_leaves() {
    let place = Place::new();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.set_nonblocking(true).unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let (udp_port, tcp_port) =
        (udp.local_addr().unwrap().port().to_string(), tcp.local_addr().unwrap().port().to_string());
    assert!(place.free(&["udp", &udp_port]).is_ok());
    let mut packet = [0; 16];
    assert_eq!(udp.recv(&mut packet).unwrap(), 5);
    place.refuses_at_least(&["udp", &udp_port], NOT_PERMITTED);
    assert!(udp.recv(&mut packet).is_err(), "nothing came");
    place.refuses(&["tcp", &tcp_port], NOT_PERMITTED);
    place.refuses(&["listen"], NOT_PERMITTED);
    for family in [libc_family::INET, libc_family::INET6, libc_family::NETLINK, libc_family::VSOCK, 38, 17] {
        place.refuses_at_least(&["socket", &family.to_string(), "1", "0"], NOT_PERMITTED);
    }
    // The kernel looks at the lower half of the number alone.
    place.refuses_at_least(&["socket", "4294967298", "1", "0"], NOT_PERMITTED);

    let on = place.policy().network(Network::On);
    assert!(place.under(&on, &["tcp", &tcp_port]).is_ok());
    assert!(place.under(&on, &["udp", &udp_port]).is_ok());
    assert!(place.under(&on, &["listen"]).is_ok());
    let vsock = place.under(&on, &["socket", &libc_family::VSOCK.to_string(), "1", "0"]);
    assert!(vsock.unwrap_err().contains(NOT_PERMITTED));
}

/// Families of sockets, by their numbers.
mod libc_family {
    pub const INET: i32 = 2;
    pub const INET6: i32 = 10;
    pub const NETLINK: i32 = 16;
    pub const VSOCK: i32 = 40;
}

#[test]
fn a_program_that_may_reach_its_provider_reaches_nothing_else() {
    let place = Place::new();
    let (provider, other) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    let policy = place.policy().network(Network::Ports(vec![port(&provider)]));
    let (provider, other) = (port(&provider).to_string(), port(&other).to_string());
    let refused = |act: &[&str], word: &str| {
        let answer = place.under(&policy, act);
        assert!(answer.as_ref().is_err_and(|why| why.contains(word)), "{act:?}: {answer:?}");
    };
    assert_eq!(place.under(&policy, &["tcp", &provider]).unwrap(), "done");
    assert!(place.free(&["tcp", &other]).is_ok());
    refused(&["tcp", &other], DENIED);
    refused(&["listen"], DENIED);
    refused(&["udp", &udp.local_addr().unwrap().port().to_string()], NOT_PERMITTED);
    refused(&["fast-open", &other], NOT_PERMITTED);
    for (kind, protocol) in [("2", "0"), ("3", "17"), ("1", "262"), ("1", "132"), ("5", "132")] {
        refused(&["socket", "2", kind, protocol], NOT_PERMITTED);
        refused(&["socket", "10", kind, protocol], NOT_PERMITTED);
    }
}

#[test]
fn calls_that_lead_around_the_rules_are_refused() {
    let place = Place::new();
    place.refuses_at_least(&["io-uring"], MISSING);
    place.refuses_at_least(&["keyring"], NOT_PERMITTED);
    for namespace in [0x1000_0000, 0x0002_0000, 0x4000_0000] {
        place.refuses_at_least(&["unshare", &namespace.to_string()], NOT_PERMITTED);
    }
    // mount, bpf, perf_event_open, userfaultfd, open_by_handle_at, setns, shmget, mq_open by their numbers here.
    #[cfg(target_arch = "x86_64")]
    for number in [165, 321, 298, 323, 304, 308, 29, 240] {
        place.refuses_at_least(&["call", &number.to_string()], NOT_PERMITTED);
    }
    #[cfg(target_arch = "x86_64")]
    {
        place.refuses_at_least(&["call", "435"], MISSING);
        place.refuses_at_least(&["x32-socket"], MISSING);
        if place.free(&["i386-pid"]).is_ok() {
            place.refuses_at_least(&["i386-pid"], MISSING);
        }
    }
    place.refuses_at_least(&["device", "disk"], "os error");
}

#[test]
fn a_setuid_helper_gives_nothing() {
    let place = Place::new();
    let status = place.confined(&["read", "/proc/self/status"]).unwrap();
    let line = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim();
    assert_eq!(line("NoNewPrivs:"), "1");
    let dangerous = (1_u64 << 21) | (1 << 19) | (1 << 17) | (1 << 12) | (1 << 27) | (1 << 2);
    for set in ["CapPrm:", "CapEff:", "CapBnd:"] {
        let held = u64::from_str_radix(line(set), 16).unwrap();
        if rustix::process::geteuid().is_root() || set != "CapBnd:" {
            assert_eq!(held & dangerous, 0, "{set} {held:x}");
        }
    }
    if !rustix::process::geteuid().is_root() {
        return;
    }
    // As another user, a copy of `id` that is root's: unconfined it is root.
    for folder in [place.root.path(), &place.at("company"), &place.at("run"), &place.at("run/tmp")] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let helper = place.at("company/id");
    fs::copy("/usr/bin/id", &helper).unwrap();
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o4755)).unwrap();
    let act = ["as-nobody", text(&helper), "-u"];
    if place.free(&act).is_ok_and(|user| user == "0\n") {
        assert_eq!(place.confined(&act).unwrap(), "65534\n");
    }
}

#[tokio::test]
async fn its_environment_leads_nowhere_and_does_not_reach_the_loader() {
    let place = Place::new();
    let evil = place.at("company/evil.so");
    let env = [("LD_PRELOAD", text(&evil)), ("GREETING", "hello"), ("LD_DEBUG", "libs")];
    let run = async |confine: Option<Confine>| {
        let mark = fresh_mark();
        let _sweep = Sweep(mark.clone());
        let shell = Shell {
            command: format!("'{ACTS}' environment"),
            dir: place.at("company"),
            env: env.iter().map(|(name, value)| (name.into(), value.into())).collect(),
            mark,
            grace: Duration::from_millis(200).into(),
            confine,
        };
        run_shell(shell, BOUND, 1 << 20, &CancellationToken::new(), &|_| {}).await.unwrap().output
    };
    let free = run(None).await;
    assert!(free.contains("cannot be preloaded") && free.contains("LD_DEBUG=libs"), "the loader listens: {free}");
    let confined = run(Some(Confine { policy: place.policy(), aicib: ACTS.into() })).await;
    assert!(confined.contains("GREETING=hello\n"), "{confined}");
    assert!(confined.contains(&format!("HOME={}\n", place.at("run/tmp/home").display())));
    for name in ["LD_", "DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR", "preload"] {
        assert!(!confined.contains(name), "{name} in {confined}");
    }
    // Set by itself for its own children, it works, on what is confined.
    let policy = place.policy();
    let inner = format!("LD_PRELOAD=/none.so cat '{}'", place.key().display());
    let output = shell_under(&place, policy, &inner).await;
    assert!(!output.contains("founder") && output.contains("Permission denied"), "{output}");
}

async fn shell_under(place: &Place, policy: Policy, command: &str) -> String {
    let mark = fresh_mark();
    let _sweep = Sweep(mark.clone());
    let shell = Shell {
        command: command.to_owned(),
        dir: place.at("company"),
        env: vec![("TMPDIR".into(), place.at("run/tmp").into())],
        mark: mark.clone(),
        grace: Duration::from_millis(200).into(),
        confine: Some(Confine { policy, aicib: ACTS.into() }),
    };
    let stop = CancellationToken::new();
    let outcome = tokio::time::timeout(BOUND, run_shell(shell, BOUND, 1 << 20, &stop, &|_| {})).await.unwrap().unwrap();
    assert_eq!(census(None, &mark), [], "left behind by: {command}");
    format!("{}\nexit {:?}", outcome.output, outcome.exit)
}

#[tokio::test]
async fn a_fork_does_not_outlive_the_command() {
    let place = Place::new();
    let command = "(env -i PATH=\"$PATH\" sh -c 'trap \"\" TERM HUP; echo $$ > pid.new; mv pid.new pid; \
                   while :; do sleep 1000; done' &) ; until [ -s pid ]; do sleep 0.01; done; echo started";
    let output = shell_under(&place, place.policy(), command).await;
    assert!(output.starts_with("started\n"), "{output}");
    let pid: u32 = fs::read_to_string(place.at("company/pid")).unwrap().trim().parse().unwrap();
    assert_eq!(Identity::of(pid), None, "we are outside of what confines it, and end it");
}

#[tokio::test]
async fn a_confined_command_ends_when_it_is_told_to() {
    let place = Place::new();
    let mark = fresh_mark();
    let _sweep = Sweep(mark.clone());
    let folder = place.at("company/pids");
    fs::create_dir(&folder).unwrap();
    let shell = Shell {
        command: "echo $$ > pids/pid; sleep 1000".into(),
        dir: place.at("company"),
        env: Vec::new(),
        mark: mark.clone(),
        grace: Duration::from_millis(200).into(),
        confine: Some(Confine { policy: place.policy(), aicib: ACTS.into() }),
    };
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { run_shell(shell, BOUND, 1000, &stop, &|_| {}).await }
    });
    registered(&folder, 1).await;
    stop.cancel();
    let outcome = tokio::time::timeout(BOUND, running).await.unwrap().unwrap().unwrap();
    assert!(outcome.interrupted);
    assert_eq!(outcome.signal, Some(15));
    assert_eq!(census(None, &mark), []);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_said_before_anything_is_started() {
    let place = Place::new();
    let command = process::Command::new("no-such-program-here").confined(&place.policy(), Path::new(ACTS));
    let error = process::spawn(command).unwrap_err();
    assert!(matches!(error, process::SpawnError::NotFound(_)), "{error}");
}

#[tokio::test]
async fn the_tools_of_the_trade_work() {
    let place = Place::new();
    let tools = [
        (
            "git",
            "git init -q . && echo one > a && git add a && git -c user.name=A -c user.email=a@b.example commit -qm one && git log --oneline",
        ),
        (
            "cargo",
            "cargo --version && cargo init -q --vcs none --name tool tool && cargo build -q --offline --manifest-path tool/Cargo.toml",
        ),
        ("rustc", "echo 'fn main() { println!(\"rust\") }' > m.rs && rustc m.rs && ./m"),
        ("node", "node -e 'require(\"child_process\").execFileSync(\"true\"); console.log(\"node\")'"),
        ("npm", "npm init -y && npm pkg get name"),
        (
            "python3",
            "python3 -c 'import subprocess, tempfile; tempfile.TemporaryFile(); subprocess.run([\"true\"], check=True); print(\"py\")'",
        ),
        ("gcc", "echo 'int main(void) { return 0; }' > m.c && gcc m.c -o c && ./c"),
        ("bash", "cat <<< here | grep here > /dev/null && echo x > /dev/null && diff <(echo a) <(echo a)"),
        ("ps", "ps -o pid= -p $$"),
    ];
    let mut tried = 0;
    for (tool, command) in tools {
        let has_tool = std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(tool).is_file()));
        if !has_tool {
            continue;
        }
        tried += 1;
        let of_program = Policy { home: None, ..place.policy() };
        for policy in [place.policy(), of_program] {
            let place = Place::new();
            let policy = policy.write(place.at("company")).write(place.at("run/tmp"));
            let output = shell_under(&place, policy, command).await;
            assert!(output.ends_with("exit Some(0)"), "{tool}: {output}");
        }
    }
    assert!(tried > 0, "none of them is here");
}

#[test]
fn what_a_confined_program_may_read_is_known() {
    let place = Place::new();
    place.confined(&["read", "/etc/passwd"]).unwrap();
    place.confined(&["list", "/usr"]).unwrap();
    let home = std::env::home_dir().unwrap();
    place.refuses_at_least(&["list", text(&home)], DENIED);
    place.refuses_at_least(&["list", "/tmp"], DENIED);
    place.refuses_at_least(&["list", "/run"], DENIED);
    place.refuses_at_least(&["list", "/dev/shm"], DENIED);
    for device in ["/dev/urandom", "/dev/zero"] {
        let mut one = [0; 1];
        fs::File::open(device).unwrap().read_exact(&mut one).unwrap();
    }
    place.confined(&["write", "/dev/null"]).unwrap();
}
