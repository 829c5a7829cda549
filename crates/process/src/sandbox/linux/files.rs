//! Landlock: an allow-list of files and ports, and a domain that signals and tracing do not leave.

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
};

use super::super::{Network, Policy, SandboxError, folders};
use super::refused;

/// The newest version that we know what it means; older kernels do what they can of it.
const KNOWN: ABI = ABI::V9;

/// The version of Landlock in this kernel; 0 or less where there is none.
#[allow(unsafe_code)]
pub(super) fn version() -> i32 {
    const ASK_VERSION: libc::c_ulong = 1;
    // SAFETY: with this flag, no memory is passed: the pointer is to be null and the size zero.
    let version = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<libc::c_void>(), 0_usize, ASK_VERSION)
    };
    i32::try_from(version).unwrap_or(0)
}

/// Confines this thread.
pub(super) fn restrict(policy: &Policy) -> Result<(), SandboxError> {
    let read = AccessFs::from_read(KNOWN);
    let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::IoctlDev;
    let mut handled = AccessFs::from_all(KNOWN);
    if policy.unix_sockets {
        handled.remove(AccessFs::ResolveUnix);
    }
    // Nobody needs device files of their own: to root they would be the disk.
    let write = handled & !(AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev);

    let mut ruleset = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
    ruleset = ruleset.handle_access(handled).map_err(refused("files"))?;
    if policy.network != Network::On {
        ruleset = ruleset.handle_access(AccessNet::from_all(KNOWN)).map_err(refused("ports"))?;
    }
    let mut scopes: BitFlags<Scope> = Scope::Signal.into();
    if !policy.unix_sockets {
        scopes |= Scope::AbstractUnixSocket;
    }
    ruleset = ruleset.scope(scopes).map_err(refused("scopes"))?;
    let mut rules = ruleset.create().map_err(refused("rules"))?;

    let grants = policy.grants().into_iter().map(|(path, writes)| (path, if writes { write } else { read }));
    let devices = folders::DEVICES.iter().map(|path| (std::path::Path::new(path), device));
    for (path, access) in grants.chain(devices) {
        // What is not there needs no rule.
        let Ok(opened) = PathFd::new(path) else { continue };
        let access = if path.is_dir() { access } else { access & AccessFs::from_file(KNOWN) };
        rules = rules.add_rule(PathBeneath::new(opened, access)).map_err(refused("a file's rule"))?;
    }
    if let Network::Ports(ports) = &policy.network {
        for port in ports {
            rules = rules.add_rule(NetPort::new(*port, AccessNet::ConnectTcp)).map_err(refused("a port's rule"))?;
        }
    }
    let status = rules.restrict_self().map_err(refused("Landlock"))?;
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err(SandboxError::Unsupported("Landlock did not take the rules".to_owned()));
    }
    Ok(())
}
