//! What happens in a forked process on its way to becoming a container's program, step by step.
//!
//! A container: cgroups, mounts from the host opened, overlay root, pivot, mounts, devices, terminal, identity, program. A command in a running
//! container: cgroups, its namespaces, terminal, identity, program. Results go to the shim over a socket: a terminal's master, or the error;
//! that the socket closes without an error means that the program runs.

mod devices;
mod identity;
mod mounts;
mod program;
mod root;
mod terminal;

use crate::fault::{Doing, Fault, Outcome};
use crate::sandbox::{Sandbox, join_tasks};
use crate::sys;
use rustix::fs::Mode;
use rustix::thread::{ThreadNameSpaceType, UnshareFlags};
use skiff_shim::protocol::descriptors;
use skiff_shim::protocol::spec::{CgroupSpec, ContainerSpec, ProcessSpec};
use std::os::fd::{AsFd, OwnedFd};

/// First byte of a message that carries a terminal's master.
pub const TERMINAL: u8 = b'T';
/// First byte of a message that carries an error's text.
pub const ERROR: u8 = b'E';

/// Descriptors that become standard input, output and error. With a terminal none are needed.
pub struct Stdio {
    /// Standard input.
    pub stdin: OwnedFd,
    /// Standard output.
    pub stdout: OwnedFd,
    /// Standard error.
    pub stderr: OwnedFd,
}

/// A process to become, with what was read for it before the fork.
pub struct Program<'a> {
    /// Its spec.
    pub spec: &'a ProcessSpec,
    /// Its seccomp filter.
    pub seccomp: Option<Vec<u8>>,
    /// Its standard streams; none with a terminal.
    pub stdio: Option<Stdio>,
    /// The socket to the shim.
    pub channel: OwnedFd,
}

/// Becomes a container's main process.
pub fn become_container(sandbox: &Sandbox, spec: &ContainerSpec, program: Program<'_>) -> ! {
    let fault = match prepare_container(sandbox, spec, &program) {
        Ok(never) => match never {},
        Err(fault) => fault,
    };
    give_up(&program.channel, &fault)
}

/// Becomes a command in a container whose main process `member` is a handle on.
pub fn become_command(member: &OwnedFd, cgroup: &CgroupSpec, program: Program<'_>) -> ! {
    let fault = match prepare_command(member, cgroup, &program) {
        Ok(never) => match never {},
        Err(fault) => fault,
    };
    give_up(&program.channel, &fault)
}

/// Has no value: the way on is another program.
enum Never {}

fn prepare_container(sandbox: &Sandbox, spec: &ContainerSpec, program: &Program<'_>) -> Outcome<Never> {
    enter_cgroups(&spec.cgroup)?;
    begin_session(program.spec);
    let shared_memory = sandbox.shared_memory()?;
    sys::unshare(UnshareFlags::NEWNS).doing("create the mount namespace")?;
    let sources = mounts::open_sources(&spec.mounts, shared_memory)?;
    root::mount(&spec.root)?;
    let seals = mounts::attach(sources)?;
    devices::make(&spec.devices)?;
    let console = terminal::take_stdio(program)?;
    if let Some(console) = console {
        devices::bind_console(&console)?;
    }
    mounts::mask(&spec.masked_paths)?;
    mounts::protect(&spec.readonly_paths)?;
    root::make_working_directory(&program.spec.cwd)?;
    mounts::seal(seals)?;
    if spec.root.readonly {
        root::make_readonly()?;
    }
    become_program(program)
}

fn prepare_command(member: &OwnedFd, cgroup: &CgroupSpec, program: &Program<'_>) -> Outcome<Never> {
    enter_cgroups(cgroup)?;
    begin_session(program.spec);
    let mut namespaces = ThreadNameSpaceType::MOUNT;
    if cgroup.namespace {
        namespaces |= ThreadNameSpaceType::CONTROL_GROUP;
    }
    rustix::thread::move_into_thread_name_spaces(member.as_fd(), namespaces)
        .doing("enter the container's namespaces")?;
    terminal::take_stdio(program)?;
    become_program(program)
}

fn become_program(program: &Program<'_>) -> Outcome<Never> {
    let spec = program.spec;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    rustix::process::chdir(&*spec.cwd)
        .doing(format_args!("chdir to cwd (\"{}\") set in config.json failed", spec.cwd))?;
    sys::close_on_exec();
    sys::reset_signals();
    identity::assume(spec, program.seccomp.as_deref())?;
    Err(program::run(spec))
}

fn enter_cgroups(cgroup: &CgroupSpec) -> Outcome<()> {
    join_tasks(cgroup)?;
    if cgroup.namespace {
        sys::unshare(UnshareFlags::NEWCGROUP).doing("create the cgroup namespace")?;
    }
    Ok(())
}

fn begin_session(spec: &ProcessSpec) {
    // Lowering the score needs CAP_SYS_RESOURCE; without it the process is merely killed earlier than asked.
    let _ = std::fs::write("/proc/self/oom_score_adj", spec.oom_score_adj.to_string());
    // Fails only for a session leader, which a forked process is not.
    let _ = rustix::process::setsid();
    sys::new_session_keyring();
    rustix::process::umask(Mode::empty());
}

fn give_up(channel: &OwnedFd, fault: &Fault) -> ! {
    let mut message = vec![ERROR];
    message.extend(fault.0.bytes().take(4096));
    // Without a listener nobody is left to tell.
    let _ = descriptors::send(channel, &message, &[]);
    sys::exit_now(1)
}
