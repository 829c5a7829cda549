//! What this test binary does when it is started again as a child: programs that behave badly in ways that a shell
//! cannot.

use std::fs;
use std::path::PathBuf;
use std::process::exit;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use process::{Command, Identity, Mark, become_subreaper, reap_strangers, spawn, stop_tree};

use super::wait_for;

/// How long a role plays at most, should nobody end it.
const ENOUGH: Duration = Duration::from_secs(60);

/// Starts this binary as a child in a role. It registers in `dir`, where the role says so.
pub fn role(name: &str, dir: &std::path::Path) -> Command {
    let own = std::env::current_exe().unwrap();
    let command = Command::new(own).args(["--ignored", "--exact", "--nocapture", "play"]);
    command.arg(format!("role={name}")).arg(format!("dir={}", dir.display()))
}

/// Plays the role that the arguments name; none where there is none.
pub fn play() {
    let argument = |name: &str| std::env::args().find_map(|argument| argument.strip_prefix(name).map(str::to_owned));
    let (Some(role), Some(dir)) = (argument("role="), argument("dir=").map(PathBuf::from)) else { return };
    match role.as_str() {
        "rabbit" => rabbit(&dir),
        "bomb" => bomb(&dir),
        "tracer" => tracer(&dir),
        "litter" => litter(),
        "worker" => worker(&dir),
        "daemon" => daemon(&dir),
        other => panic!("no such role: {other}"),
    }
}

fn ready(dir: &std::path::Path) {
    fs::write(dir.join("ready"), "").unwrap();
}

/// Is another process all the time: each starts a successor in a session of its own, and ends.
#[allow(unsafe_code)]
fn rabbit(dir: &std::path::Path) -> ! {
    ready(dir);
    let until = Instant::now() + ENOUGH;
    // SAFETY: between the forks there are only system calls.
    unsafe {
        libc::signal(libc::SIGTERM, libc::SIG_IGN);
        while Instant::now() < until {
            match libc::fork() {
                0 => drop(libc::setsid()),
                -1 => {}
                _ => libc::_exit(0),
            }
            libc::usleep(300);
        }
        libc::_exit(0)
    }
}

/// How many processes of a bomb there are at most at a time.
const BOMB: u32 = 150;

/// Is many processes all the time, in several sessions: each starts others, ends soon, and ignores that it is to end.
#[allow(unsafe_code)]
fn bomb(dir: &std::path::Path) -> ! {
    ready(dir);
    let until = Instant::now() + ENOUGH;
    // SAFETY: the memory is there for as long as we are, starts as zeros, and all that use it do so by atomics. Between
    // the forks there are only system calls.
    unsafe {
        libc::signal(libc::SIGTERM, libc::SIG_IGN);
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        let shared = libc::mmap(std::ptr::null_mut(), 4096, access, kind, -1, 0);
        assert_ne!(shared, libc::MAP_FAILED);
        let alive = &*shared.cast::<AtomicU32>();
        let mut born = Instant::now();
        let mut is_first = true;
        while Instant::now() < until && (is_first || born.elapsed() < Duration::from_millis(100)) {
            if alive.fetch_add(1, Ordering::SeqCst) >= BOMB {
                alive.fetch_sub(1, Ordering::SeqCst);
            } else {
                match libc::fork() {
                    0 => {
                        (born, is_first) = (Instant::now(), false);
                        if libc::getpid() % 4 == 0 {
                            libc::setsid();
                        }
                    }
                    -1 => {
                        alive.fetch_sub(1, Ordering::SeqCst);
                    }
                    _ => {}
                }
            }
            // The first leaves its dead unreaped otherwise.
            while libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) > 0 {}
            libc::usleep(2_000);
        }
        alive.fetch_sub(1, Ordering::SeqCst);
        libc::_exit(0)
    }
}

/// Holds a child that it traces, and ignores that it is to end.
#[allow(unsafe_code)]
fn tracer(dir: &std::path::Path) -> ! {
    // SAFETY: after the fork, the child makes only system calls.
    let child = unsafe {
        libc::signal(libc::SIGTERM, libc::SIG_IGN);
        let child = libc::fork();
        if child == 0 {
            libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0);
            libc::raise(libc::SIGSTOP);
            libc::sleep(60);
            libc::_exit(0);
        }
        libc::waitpid(child, std::ptr::null_mut(), libc::WUNTRACED);
        child
    };
    fs::write(dir.join("traced"), child.to_string()).unwrap();
    fs::write(dir.join("tracer"), std::process::id().to_string()).unwrap();
    std::thread::sleep(ENOUGH);
    exit(0)
}

/// Leaves 3,000 orphans behind that end at once.
#[allow(unsafe_code)]
fn litter() -> ! {
    // SAFETY: after the forks, the children make only system calls.
    unsafe {
        for _ in 0..3_000 {
            match libc::fork() {
                0 => libc::_exit(i32::from(libc::fork() == -1)),
                child => drop(libc::waitpid(child, std::ptr::null_mut(), 0)),
            }
        }
        libc::_exit(0)
    }
}

/// Does as a worker does: starts commands, some of which get away, and at the end ends them all, but not itself.
fn worker(dir: &std::path::Path) {
    let mark = mark_of(dir);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        become_subreaper().unwrap();
        reap_strangers().unwrap();
        let own = Identity::own().unwrap();
        let _escaping = spawn(escaping(dir, "one").mark(&Mark::new("AICIB_TEST_COMMAND", &mark.value))).unwrap();
        let _plain = spawn(Command::new("sleep").arg("60").mark(&mark)).unwrap();
        wait_for("the command", || dir.join("one").exists().then_some(())).await;
        fs::write(dir.join("census"), process::census(Some(&own), &mark).len().to_string()).unwrap();
        let stopped = stop_tree(Some(&own), false, &mark, Duration::from_millis(200)).await;
        fs::write(dir.join("stopped"), format!("{} left, still here", stopped.left)).unwrap();
    });
}

/// Does as a daemon does that then dies: starts a marked process, from a control group of its own where it can.
fn daemon(dir: &std::path::Path) {
    if let Some(elsewhere) = fs::read_to_string(dir.join("elsewhere")).ok().filter(|group| !group.is_empty()) {
        fs::write(format!("{elsewhere}/cgroup.procs"), "0").unwrap();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut gone = spawn(escaping(dir, "escaped").mark(&mark_of(dir))).unwrap();
        gone.child.wait().await.unwrap();
    });
}

/// A command after which a process is left without parent, session and environment, and that ignores that it is to end.
pub fn escaping(dir: &std::path::Path, name: &str) -> Command {
    let text = r#"(env -i /usr/bin/setsid /bin/sh -c 'trap "" TERM; echo $$ > $0.new; /bin/mv $0.new $0; while :; do /bin/sleep 60; done' "$1" &)"#;
    Command::new("sh").arg("-c").arg(text).arg("sh").arg(dir.join(name))
}

/// The mark that a test wrote down for a role.
fn mark_of(dir: &std::path::Path) -> Mark {
    let line = fs::read_to_string(dir.join("mark")).unwrap();
    let (name, value) = line.split_once('=').unwrap();
    Mark::new(name, value)
}
