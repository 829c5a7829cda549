//! seccomp: no sockets but those of the network, and no system calls that lead around what Landlock holds.
//!
//! A call that is refused fails as it would on a system that lacks it or does not permit it; nothing is killed.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};

use super::super::{Network, Policy, SandboxError};
use super::refused;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Refused as not permitted, whatever the arguments.
const FORBIDDEN: &[i64] = &[
    // Keyrings.
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // The insides of the kernel and of other processes.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_fanotify_init,
    libc::SYS_syslog,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
    // Mounts and namespaces: other names for the same files.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    // Memory and queues that all processes of the user share, which have no place among the files.
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_kexec_file_load,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
];

/// Refused as missing, so that programs take the older way: rings do what filters do not see, and of clone3 a filter
/// cannot read the flags.
const MISSING: &[i64] =
    &[libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register, libc::SYS_clone3];

/// The flags that make namespaces, in both clone and unshare.
const NAMESPACES: &[i32] = &[
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];
/// The same, in unshare alone: clone takes this bit for a part of a signal's number.
const NEW_TIME: i32 = 0x80;
/// Types into a terminal, and one more way to do that.
const TIOCLINUX: u64 = 0x541C;
/// Which kind of program the kernel takes us for: plain, asked for, without random addresses.
const PERSONALITIES: &[u64] = &[0, 0xffff_ffff, 0x0004_0000];
const SOCKET_TYPE: u64 = 0xf;
/// An argument that is compared in its lower half, as the kernel takes an `int`.
const INT: SeccompCmpArgLen = SeccompCmpArgLen::Dword;

/// Whether this kernel takes filters that answer with an error.
#[allow(unsafe_code)]
pub(super) fn is_there() -> bool {
    let action: u32 = libc::SECCOMP_RET_ERRNO;
    // SAFETY: the kernel reads four bytes at the pointer, which is to a number of that size.
    let answer = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0, &raw const action) };
    answer == 0 && arch().is_ok()
}

fn arch() -> Result<TargetArch, SandboxError> {
    TargetArch::try_from(std::env::consts::ARCH).map_err(refused("this kind of processor"))
}

/// The filters of a policy.
pub(super) fn filters(policy: &Policy) -> Result<Vec<BpfProgram>, SandboxError> {
    let mut filters = vec![compiled(forbidden(policy)?, libc::EPERM)?, compiled(missing(), libc::ENOSYS)?];
    if cfg!(target_arch = "x86_64") {
        filters.push(no_second_table());
    }
    Ok(filters)
}

/// Installs them. Nothing undoes that.
pub(super) fn install(filters: &[BpfProgram]) -> Result<(), SandboxError> {
    filters.iter().try_for_each(|filter| apply_filter(filter).map_err(refused("seccomp")))
}

fn missing() -> Rules {
    MISSING.iter().map(|call| (*call, Vec::new())).collect()
}

fn forbidden(policy: &Policy) -> Result<Rules, SandboxError> {
    let mut rules: Rules = FORBIDDEN.iter().map(|call| (*call, Vec::new())).collect();
    let namespaces = || NAMESPACES.iter().map(|flag| vec![has(0, *flag)]);
    rules.insert(libc::SYS_clone, all_of(namespaces())?);
    rules.insert(libc::SYS_unshare, all_of(namespaces().chain([vec![has(0, NEW_TIME)]]))?);
    rules.insert(libc::SYS_ioctl, all_of([vec![is(1, libc::TIOCSTI)], vec![is(1, TIOCLINUX)]])?);
    rules.insert(libc::SYS_personality, all_of([PERSONALITIES.iter().map(|known| is_not(0, *known)).collect()])?);
    // Limits of another process: the daemon could be left without files or time.
    rules.insert(libc::SYS_prlimit64, all_of([vec![is_not(0, 0_u64)]])?);
    rules.insert(libc::SYS_socket, all_of(sockets(policy))?);
    if !policy.unix_sockets {
        // A pair of datagram sockets can send to any address of the file system. One of streams is bound to itself.
        let datagrams = [libc::SOCK_DGRAM, libc::SOCK_RAW].map(|kind| vec![masked(1, SOCKET_TYPE, kind)]);
        rules.insert(libc::SYS_socketpair, all_of(datagrams)?);
    }
    if matches!(policy.network, Network::Ports(_)) {
        // Connects without being asked whether it may.
        rules.insert(libc::SYS_sendto, all_of([vec![has(3, libc::MSG_FASTOPEN)]])?);
        rules.insert(libc::SYS_sendmsg, all_of([vec![has(2, libc::MSG_FASTOPEN)]])?);
        rules.insert(libc::SYS_sendmmsg, all_of([vec![has(3, libc::MSG_FASTOPEN)]])?);
    }
    Ok(rules)
}

/// The sockets that are refused: one list of conditions each, all of which must hold.
fn sockets(policy: &Policy) -> Vec<Vec<Condition>> {
    let mut allowed = Vec::new();
    if policy.network != Network::Off {
        allowed.extend([libc::AF_INET, libc::AF_INET6]);
    }
    if policy.network == Network::On {
        // What addresses this machine has; resolvers ask that.
        allowed.push(libc::AF_NETLINK);
    }
    if policy.unix_sockets {
        allowed.push(libc::AF_UNIX);
    }
    if allowed.is_empty() {
        // One condition that always holds would do; these two between them do too.
        return vec![vec![is(0, libc::AF_UNIX)], vec![is_not(0, libc::AF_UNIX)]];
    }
    let mut refused = vec![allowed.iter().map(|family| is_not(0, *family)).collect()];
    refused.push(vec![is(0, libc::AF_NETLINK), is_not(2, libc::NETLINK_ROUTE)]);
    if matches!(policy.network, Network::Ports(_)) {
        // Landlock holds ports of TCP alone: nothing else may be opened, not even its relatives.
        for family in [libc::AF_INET, libc::AF_INET6] {
            let others = (0..=SOCKET_TYPE).filter(|kind| *kind != libc::SOCK_STREAM as u64);
            refused.extend(others.map(|kind| vec![is(0, family), masked(1, SOCKET_TYPE, kind as i32)]));
            refused.push(vec![is(0, family), is_not(2, 0), is_not(2, libc::IPPROTO_TCP)]);
        }
    }
    refused
}

/// What an argument must be: its index, how it is compared, with what.
struct Condition(u8, SeccompCmpOp, u64);

fn bits(value: impl TryInto<i64>) -> u64 {
    // Flags and families are small and not negative; what is wider than an int is cut to it, as the kernel does.
    value.try_into().map_or(0, |value: i64| value as u64 & 0xffff_ffff)
}

fn is(arg: u8, value: impl TryInto<i64>) -> Condition {
    Condition(arg, SeccompCmpOp::Eq, bits(value))
}

fn is_not(arg: u8, value: impl TryInto<i64>) -> Condition {
    Condition(arg, SeccompCmpOp::Ne, bits(value))
}

fn has(arg: u8, flag: i32) -> Condition {
    masked(arg, bits(flag), flag)
}

fn masked(arg: u8, mask: u64, value: i32) -> Condition {
    Condition(arg, SeccompCmpOp::MaskedEq(mask), bits(value))
}

fn all_of(lists: impl IntoIterator<Item = Vec<Condition>>) -> Result<Vec<SeccompRule>, SandboxError> {
    let rule = |conditions: Vec<Condition>| {
        let conditions: Result<Vec<_>, _> = conditions
            .into_iter()
            .map(|Condition(arg, how, value)| SeccompCondition::new(arg, INT, how, value))
            .collect();
        SeccompRule::new(conditions?)
    };
    lists.into_iter().map(|list| rule(list).map_err(refused("a filter's rule"))).collect()
}

fn compiled(rules: Rules, errno: i32) -> Result<BpfProgram, SandboxError> {
    let answer = SeccompAction::Errno(errno as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, answer, arch()?).map_err(refused("a filter"))?;
    let mut program: BpfProgram = filter.try_into().map_err(refused("a filter"))?;
    // The library kills whoever calls by the table of another kind of processor (32 bit). An error does.
    for line in program.iter_mut().filter(|line| line.code == RETURN && line.k == libc::SECCOMP_RET_KILL_PROCESS) {
        line.k = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
    }
    Ok(program)
}

/// A filter's line: give this answer.
const RETURN: u16 = 0x06;

/// On x86-64 the kernel may have a second table of calls (x32), whose numbers carry a bit of their own: they would pass
/// by every rule above.
fn no_second_table() -> BpfProgram {
    const LOAD: u16 = 0x20;
    const JUMP_IF_AT_LEAST: u16 = 0x35;
    const X32: u32 = 0x4000_0000;
    let line = |code, jt, jf, k| seccompiler::sock_filter { code, jt, jf, k };
    vec![
        // The call's number is the first of what a filter sees.
        line(LOAD, 0, 0, 0),
        line(JUMP_IF_AT_LEAST, 0, 1, X32),
        line(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
        line(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_makes_filters_that_fit_the_kernel_and_kill_nobody() {
        for network in [Network::On, Network::Off, Network::Ports(vec![1]), Network::Ports(Vec::new())] {
            for unix_sockets in [false, true] {
                let policy = Policy { network: network.clone(), unix_sockets, ..Policy::default() };
                let filters = filters(&policy).unwrap();
                assert!(filters.iter().all(|filter| !filter.is_empty() && filter.len() < 4096));
                let kills = |line: &seccompiler::sock_filter| {
                    line.code == RETURN && matches!(line.k & 0xffff_0000, 0x8000_0000 | 0)
                };
                assert!(!filters.iter().flatten().any(kills));
            }
        }
    }
}
