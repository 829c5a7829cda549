//! Parts of a folder that stay as they are, though the folder may be written to. Landlock cannot say that: it grants a
//! folder with all in it. So the process gets mounts of its own, in which those parts are read only. A plain user needs
//! a user namespace for that, which some systems do not give; [`are_there`] says.
//!
//! Whoever replaces such a file from outside, as editors do, takes its mount away with it: what runs just then may
//! change the new one.

use std::ffi::{CStr, CString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::OnceLock;

use rustix::thread::CapabilitySet;

use super::super::SandboxError;
use super::refused;

/// What has to be known before the process is in namespaces of its own, so that nothing but system calls is left to do.
struct Plan {
    /// Whether mounts need a user namespace.
    as_user: bool,
    uid_map: CString,
    gid_map: CString,
    /// The folders and files that become read only.
    kept: Vec<CString>,
}

impl Plan {
    fn of(kept: &[PathBuf]) -> io::Result<Plan> {
        let capabilities = rustix::thread::capabilities(None)?;
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let text = |text: String| CString::new(text).map_err(io::Error::from);
        let kept = kept.iter().map(|path| CString::new(path.as_os_str().as_bytes()).map_err(io::Error::from));
        Ok(Plan {
            as_user: !capabilities.effective.contains(CapabilitySet::SYS_ADMIN),
            uid_map: text(format!("{uid} {uid} 1"))?,
            gid_map: text(format!("{gid} {gid} 1"))?,
            kept: kept.collect::<io::Result<_>>()?,
        })
    }

    /// Carries it out. Only system calls: it also runs in a child of a process with threads.
    #[allow(unsafe_code)]
    fn carry_out(&self) -> Result<(), i32> {
        let namespaces = libc::CLONE_NEWNS | if self.as_user { libc::CLONE_NEWUSER } else { 0 };
        // SAFETY: no memory is passed.
        worked(unsafe { libc::unshare(namespaces) })?;
        if self.as_user {
            // Everybody stays who they are.
            write_to(c"/proc/self/setgroups", c"deny")?;
            write_to(c"/proc/self/uid_map", &self.uid_map)?;
            write_to(c"/proc/self/gid_map", &self.gid_map)?;
        }
        mount(c"none", c"/", libc::MS_REC | libc::MS_PRIVATE)?;
        for path in &self.kept {
            mount(path, path, libc::MS_BIND | libc::MS_REC)?;
            set_read_only(path)?;
        }
        Ok(())
    }
}

/// Makes those paths read only for this process and all that it starts. What is not there is passed over.
pub(super) fn keep(paths: &[PathBuf]) -> Result<(), SandboxError> {
    let there: Vec<PathBuf> = paths.iter().filter(|path| path.is_absolute() && path.exists()).cloned().collect();
    if there.is_empty() || !are_there() {
        return Ok(());
    }
    let done = Plan::of(&there).map(|plan| plan.carry_out());
    done?.map_err(|errno| refused("read-only parts")(io::Error::from_raw_os_error(errno)))
}

/// Whether a process may have mounts of its own here. Tried once, in a child.
pub(super) fn are_there() -> bool {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    *KNOWN.get_or_init(|| Plan::of(&[]).and_then(|plan| tried(&plan)).unwrap_or(false))
}

#[allow(unsafe_code)]
fn tried(plan: &Plan) -> io::Result<bool> {
    // It answers through a pipe: whoever reaps strangers may be faster than we.
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    // SAFETY: the child makes only system calls, and ends.
    let child = unsafe { libc::fork() };
    if child == 0 {
        if plan.carry_out().is_ok() {
            let _ = rustix::io::write(&writer, b"y");
        }
        // SAFETY: nothing of the parent's is run at this end.
        unsafe { libc::_exit(0) }
    }
    drop(writer);
    if child < 0 {
        return Err(io::Error::last_os_error());
    }
    let mut answer = [0];
    let read = rustix::io::retry_on_intr(|| rustix::io::read(&reader, &mut answer))?;
    // SAFETY: no memory is passed. That it was reaped already is no fault.
    unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    Ok(read == 1)
}

fn worked(answer: libc::c_int) -> Result<(), i32> {
    if answer == 0 { Ok(()) } else { Err(errno()) }
}

#[allow(unsafe_code)]
fn errno() -> i32 {
    // SAFETY: the pointer is this thread's, and always there.
    unsafe { *libc::__errno_location() }
}

#[allow(unsafe_code)]
fn write_to(file: &CStr, text: &CStr) -> Result<(), i32> {
    // SAFETY: the texts end in a zero and live on; the file is closed again.
    unsafe {
        let opened = libc::open(file.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if opened < 0 {
            return Err(errno());
        }
        let text = text.to_bytes();
        let written = libc::write(opened, text.as_ptr().cast(), text.len());
        let outcome = if written == text.len() as isize { Ok(()) } else { Err(errno()) };
        libc::close(opened);
        outcome
    }
}

#[allow(unsafe_code)]
fn mount(from: &CStr, to: &CStr, flags: libc::c_ulong) -> Result<(), i32> {
    // SAFETY: the paths end in a zero and live on; there is neither a type nor data.
    worked(unsafe { libc::mount(from.as_ptr(), to.as_ptr(), std::ptr::null(), flags, std::ptr::null()) })
}

/// Read only, with what else holds for the mount as it is.
#[allow(unsafe_code)]
fn set_read_only(path: &CStr) -> Result<(), i32> {
    #[repr(C)]
    struct Attributes {
        set: u64,
        clear: u64,
        propagation: u64,
        user_namespace: u64,
    }
    const READ_ONLY: u64 = 1;
    const RECURSIVE: libc::c_int = 0x8000;
    let attributes = Attributes { set: READ_ONLY, clear: 0, propagation: 0, user_namespace: 0 };
    // SAFETY: the path ends in a zero; the kernel reads as many bytes as the structure has.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            RECURSIVE,
            &raw const attributes,
            size_of::<Attributes>(),
        )
    };
    worked(if answer == 0 { 0 } else { -1 })
}
