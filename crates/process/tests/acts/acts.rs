//! What a confined program might try, one act a run: `confined-acts ACT [ARG…]`. Ends with 0 where it worked, and with
//! 1 and the system's word where it did not. With `sandbox-exec` it is the wrapper, as `aicib` is.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's part fails by panicking")]

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(process::sandbox::SANDBOX_EXEC) {
        return process::sandbox::main(std::env::args_os().skip(2));
    }
    imp::main()
}

#[cfg(not(target_os = "linux"))]
mod imp {
    pub fn main() -> std::process::ExitCode {
        std::process::ExitCode::FAILURE
    }
}

#[cfg(target_os = "linux")]
mod imp {
    use std::fs;
    use std::io::{self, Read, Write};
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram, UnixStream};
    use std::os::unix::process::CommandExt;
    use std::process::{Command, ExitCode};

    pub fn main() -> ExitCode {
        let args: Vec<String> = std::env::args().skip(1).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        match act(&args) {
            Ok(text) => {
                print!("{text}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprint!("{error}");
                ExitCode::FAILURE
            }
        }
    }

    fn act(args: &[&str]) -> io::Result<String> {
        let done = |()| "done".to_owned();
        match args {
            ["read", path] => fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            ["list", path] => fs::read_dir(path).map(|all| all.count().to_string()),
            ["readlink", path] => fs::read_link(path).map(|path| path.display().to_string()),
            ["write", path] => fs::write(path, "overwritten").map(done),
            ["append", path] => fs::OpenOptions::new().append(true).open(path).map(|_| "done".to_owned()),
            ["truncate", path] => {
                let path = std::ffi::CString::new(*path)?;
                call(libc::SYS_truncate, [path.as_ptr() as i64, 0, 0, 0, 0])
            }
            ["delete", path] => fs::remove_file(path).map(done),
            ["link", from, to] => fs::hard_link(from, to).map(done),
            ["move", from, to] => fs::rename(from, to).map(done),
            ["symlink", from, to] => std::os::unix::fs::symlink(from, to).map(done),
            ["descriptor", from, to] => {
                let dir = fs::File::open(from)?;
                let path = format!("/proc/self/fd/{}/{to}", std::os::fd::AsRawFd::as_raw_fd(&dir));
                fs::read_to_string(path)
            }
            ["unix", path] => UnixStream::connect(path)?.write_all(b"hello").map(done),
            ["unix-pair"] => {
                let (mut one, mut other) = UnixStream::pair()?;
                one.write_all(b"pair!")?;
                let mut text = [0; 5];
                other.read_exact(&mut text)?;
                Ok(String::from_utf8_lossy(&text).into_owned())
            }
            ["datagram", path] => UnixDatagram::unbound()?.send_to(b"hello", path).map(|_| "done".to_owned()),
            ["datagram-pair", path] => UnixDatagram::pair()?.0.send_to(b"hello", path).map(|_| "done".to_owned()),
            ["abstract", name] => {
                let address = SocketAddr::from_abstract_name(name.as_bytes())?;
                UnixStream::connect_addr(&address)?.write_all(b"hello").map(done)
            }
            ["tcp", port] => TcpStream::connect(("127.0.0.1", port.parse().unwrap())).map(|_| "done".to_owned()),
            ["listen"] => TcpListener::bind("127.0.0.1:0").map(|_| "done".to_owned()),
            ["udp", port] => {
                let socket = UdpSocket::bind("127.0.0.1:0")?;
                socket.send_to(b"hello", ("127.0.0.1", port.parse().unwrap())).map(|_| "done".to_owned())
            }
            ["fast-open", port] => fast_open(port.parse().unwrap()),
            ["socket", family, kind, protocol] => {
                let numbers = [family, kind, protocol].map(|text| text.parse().unwrap());
                call(libc::SYS_socket, [numbers[0], numbers[1], numbers[2], 0, 0])
            }
            ["kill", pid] => call(libc::SYS_kill, [pid.parse().unwrap(), 0, 0, 0, 0]),
            ["trace", pid] => call(libc::SYS_ptrace, [libc::PTRACE_SEIZE.into(), pid.parse().unwrap(), 0, 0, 0]),
            ["limit", pid] => call(libc::SYS_prlimit64, [pid.parse().unwrap(), libc::RLIMIT_CORE.into(), 0, 0, 0]),
            ["io-uring"] => {
                let mut parameters = [0_u8; 120];
                call(libc::SYS_io_uring_setup, [4, parameters.as_mut_ptr() as i64, 0, 0, 0])
            }
            ["keyring"] => call(libc::SYS_keyctl, [0, -3, 0, 0, 0]),
            ["unshare", flags] => call(libc::SYS_unshare, [flags.parse().unwrap(), 0, 0, 0, 0]),
            ["call", number] => call(number.parse().unwrap(), [0; 5]),
            ["x32-socket"] => call(0x4000_0000 + libc::SYS_socket, [1, 1, 0, 0, 0]),
            ["i386-pid"] => i386_pid(),
            ["device", path] => {
                let path = std::ffi::CString::new(*path)?;
                call(libc::SYS_mknodat, [libc::AT_FDCWD.into(), path.as_ptr() as i64, 0o060_600, 0x0801, 0])
            }
            ["as-nobody", program, rest @ ..] => Err(Command::new(program).args(rest).uid(65534).gid(65534).exec()),
            ["environment"] => Ok(std::env::vars().map(|(name, value)| format!("{name}={value}\n")).collect()),
            other => panic!("no such act: {other:?}"),
        }
    }

    #[allow(unsafe_code)]
    fn call(number: i64, args: [i64; 5]) -> io::Result<String> {
        // SAFETY: pointers among the arguments are to memory that the caller holds until this returns.
        let answer = unsafe { libc::syscall(number, args[0], args[1], args[2], args[3], args[4]) };
        if answer < 0 { Err(io::Error::last_os_error()) } else { Ok("done".to_owned()) }
    }

    /// Connects by sending: the system's way around a question about the connection.
    #[allow(unsafe_code)]
    fn fast_open(port: u16) -> io::Result<String> {
        let address = libc::sockaddr_in {
            sin_family: libc::AF_INET as u16,
            sin_port: port.to_be(),
            sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes([127, 0, 0, 1]) },
            sin_zero: [0; 8],
        };
        // SAFETY: the address and the text live on; the sizes are theirs.
        let sent = unsafe {
            let socket = libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0);
            let size = size_of_val(&address) as u32;
            libc::sendto(socket, c"hello".as_ptr().cast(), 5, libc::MSG_FASTOPEN, (&raw const address).cast(), size)
        };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok("done".to_owned()) }
    }

    /// Asks for its own pid by the table of 32-bit programs.
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code)]
    fn i386_pid() -> io::Result<String> {
        let answer: i64;
        // SAFETY: getpid (20 in that table) touches no memory.
        unsafe {
            core::arch::asm!("int 0x80", inlateout("rax") 20_i64 => answer, out("r8") _, out("r9") _, out("r10") _, out("r11") _);
        }
        let answer = answer as i32;
        if answer < 0 { Err(io::Error::from_raw_os_error(-answer)) } else { Ok("done".to_owned()) }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn i386_pid() -> io::Result<String> {
        Err(io::Error::from_raw_os_error(libc::ENOSYS))
    }
}
