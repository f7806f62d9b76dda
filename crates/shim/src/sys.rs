//! The system calls that rustix has no safe wrapper for.
#![allow(unsafe_code)]

use rustix::io::Errno;
use rustix::process::Pid;
use rustix::thread::UnshareFlags;
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::raw::{c_char, c_long};

/// Namespaces that a forked process gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloneFlags(libc::c_int);

impl CloneFlags {
    /// None: all are inherited.
    pub const INHERIT: Self = Self(0);
    /// A mount namespace.
    pub const MOUNT: Self = Self(libc::CLONE_NEWNS);
    /// A PID namespace.
    pub const PID: Self = Self(libc::CLONE_NEWPID);

    /// Both.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// libc's constant is too narrow for its value.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Which side of a fork this is.
pub enum Forked {
    /// The new process.
    Child,
    /// The old one.
    Parent(Pid),
}

/// Forks with new namespaces, and into a version 2 cgroup whose directory is given.
pub fn fork(flags: CloneFlags, cgroup: Option<&OwnedFd>) -> rustix::io::Result<Forked> {
    // SAFETY: all of it are numbers, and zero means none.
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.flags = flags.0 as u64;
    arguments.exit_signal = libc::SIGCHLD as u64;
    if let Some(directory) = cgroup {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = directory.as_raw_fd() as u64;
    }
    // SAFETY: with no CLONE_VM and no stack this is fork(2). The program has one thread, so the child finds every lock free and may
    // allocate. The arguments live until the call returns and their size is passed.
    let pid = unsafe {
        libc::syscall(libc::SYS_clone3, &arguments as *const libc::clone_args, size_of::<libc::clone_args>())
    };
    match pid {
        -1 => Err(last_errno()),
        0 => Ok(Forked::Child),
        pid => Ok(Forked::Parent(Pid::from_raw(pid as i32).ok_or(Errno::INVAL)?)),
    }
}

/// Leaves namespaces for new ones.
pub fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
    // SAFETY: the program has one thread, so no other can miss descriptors.
    unsafe { rustix::thread::unshare_unsafe(flags) }
}

/// Blocks all signals and returns a descriptor that becomes readable when a child ends. SIGPIPE is ignored: writing to a closed pipe is an error.
pub fn take_signals() -> rustix::io::Result<OwnedFd> {
    // SAFETY: the sets are initialised by sigfillset and sigemptyset before use; the descriptor returned is new and owned here.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::sigprocmask(libc::SIG_SETMASK, &all, std::ptr::null_mut());
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        let mut children: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut children);
        libc::sigaddset(&mut children, libc::SIGCHLD);
        match libc::signalfd(-1, &children, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) {
            -1 => Err(last_errno()),
            fd => Ok(OwnedFd::from_raw_fd(fd)),
        }
    }
}

/// Gives a new program the signal state it expects: nothing blocked, nothing ignored.
pub fn reset_signals() {
    // SAFETY: restores default dispositions; no handler of ours exists that could be missed.
    unsafe {
        for signal in 1..=libc::SIGRTMAX() {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
    }
}

/// Ends the process without running anything else of it.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit never returns and touches no memory.
    unsafe { libc::_exit(code) }
}

/// Marks every descriptor from 3 on close-on-exec.
pub fn close_on_exec() {
    // SAFETY: only sets flags; kernels without the call leave what was opened close-on-exec already.
    unsafe {
        libc::syscall(
            libc::SYS_close_range,
            3 as c_long,
            c_long::from(u32::MAX),
            libc::CLOSE_RANGE_CLOEXEC as c_long,
        );
    }
}

/// Closes what the program was started with beyond its standard streams: a descriptor kept open here could keep somebody waiting for years.
pub fn close_inherited() {
    // SAFETY: called first of all, before any descriptor is opened.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3 as c_long, c_long::from(u32::MAX), 0 as c_long);
    }
}

/// Closes every descriptor.
pub fn close_all() {
    // SAFETY: the caller, the pause process, uses no descriptor ever after.
    unsafe {
        libc::syscall(libc::SYS_close_range, 0 as c_long, c_long::from(u32::MAX), 0 as c_long);
    }
}

/// Sleeps until a child ends; SIGCHLD must be blocked. False if that is not possible.
pub fn wait_for_child_signal() -> bool {
    // SAFETY: the set is initialised before use and `signal` is a valid place to write to.
    unsafe {
        let mut children: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut children);
        libc::sigaddset(&mut children, libc::SIGCHLD);
        let mut signal = 0;
        libc::sigwait(&children, &mut signal) == 0
    }
}

/// A new session keyring, so that the process shares no keys with the host. Kernels without keys answer an error that does not matter.
pub fn new_session_keyring() {
    const JOIN_SESSION_KEYRING: c_long = 1;
    // SAFETY: the name is null, which makes an anonymous keyring.
    unsafe {
        libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, std::ptr::null::<c_char>());
    }
}

/// Attributes to change on a mount.
#[derive(Debug, Clone, Copy, Default)]
pub struct MountAttributes {
    /// `MOUNT_ATTR_*` to set.
    pub set: u64,
    /// `MS_SHARED`, `MS_SLAVE` or `MS_PRIVATE`; 0 leaves it.
    pub propagation: u64,
}

/// How far down a change goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// This mount.
    Top,
    /// This mount and all below.
    Recursive,
}

/// Changes attributes of the mount that `tree` is the root of.
pub fn set_mount(tree: impl AsFd, attributes: MountAttributes, depth: Depth) -> rustix::io::Result<()> {
    let attr = libc::mount_attr {
        attr_set: attributes.set,
        attr_clr: 0,
        propagation: attributes.propagation,
        userns_fd: 0,
    };
    let recursive = if depth == Depth::Recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is an empty C string, the struct lives until the call returns and its size is passed.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_fd().as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | recursive,
            &attr as *const libc::mount_attr,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

/// Loads a seccomp filter: an array of `struct sock_filter` in memory order.
pub fn load_seccomp(program: &[u8]) -> rustix::io::Result<()> {
    let mut filter: Vec<libc::sock_filter> = program
        .chunks_exact(8)
        .map(|raw| libc::sock_filter {
            code: u16::from_ne_bytes([raw[0], raw[1]]),
            jt: raw[2],
            jf: raw[3],
            k: u32::from_ne_bytes([raw[4], raw[5], raw[6], raw[7]]),
        })
        .collect();
    let length = u16::try_from(filter.len()).map_err(|_| Errno::INVAL)?;
    let program = libc::sock_fprog { len: length, filter: filter.as_mut_ptr() };
    // SAFETY: the program and the filter it points to live until the call returns; the kernel copies and verifies them.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            0,
            &program as *const libc::sock_fprog,
        )
    };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

/// Becomes another program; returns only if that failed.
pub fn execute(program: &CString, args: &[CString], env: &[CString]) -> Errno {
    let pointers = |strings: &[CString]| -> Vec<*const c_char> {
        strings.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (args, env) = (pointers(args), pointers(env));
    // SAFETY: both arrays end in null and, like the strings they point to, live until the call returns.
    unsafe {
        libc::execve(program.as_ptr(), args.as_ptr(), env.as_ptr());
    }
    last_errno()
}

/// Brings the loopback interface of this network namespace up.
pub fn raise_loopback() -> rustix::io::Result<()> {
    let socket = rustix::net::socket_with(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::DGRAM,
        rustix::net::SocketFlags::CLOEXEC,
        None,
    )?;
    // SAFETY: ifreq is plain data; the name is shorter than its field and the kernel reads only name and flags.
    let result = unsafe {
        let mut request: libc::ifreq = std::mem::zeroed();
        request.ifr_name[0] = b'l' as c_char;
        request.ifr_name[1] = b'o' as c_char;
        request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as i16;
        libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &request)
    };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

/// Gives memory that malloc keeps back to the kernel.
pub fn trim_memory() {
    // SAFETY: malloc_trim has no preconditions.
    unsafe {
        libc::malloc_trim(0);
    }
}

fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::INVAL)
}
