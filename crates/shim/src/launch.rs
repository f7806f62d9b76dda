//! New processes: a container's first, and commands in running containers.

use crate::calls::start_failure;
use crate::child::{self, Program, Stdio};
use crate::connection::{Command, Role};
use crate::container::{Container, Input, Stage, open_null, set_nonblocking};
use crate::fault::{Doing, Fault, Outcome};
use crate::log::Log;
use crate::supervisor::Supervisor;
use crate::sys::{CloneFlags, Forked};
use crate::{clock, sandbox};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::pipe::PipeFlags;
use skiff_shim::protocol::descriptors;
use skiff_shim::protocol::spec::{CgroupSpec, ContainerSpec, ExecSpec, PidNamespace, ProcessSpec, Stdin};
use skiff_shim::protocol::{Answer, Failure, FailureKind};
use std::os::fd::OwnedFd;

/// The shim's ends of a container's streams.
#[derive(Default)]
struct OwnEnds {
    stdin: Option<OwnedFd>,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
}

/// What a process on its way to its program said.
enum Word {
    Terminal(OwnedFd),
    Failed(String),
    Runs,
    Nothing,
}

impl Supervisor {
    /// Forks a container's main process; the answer follows when it has got to its program or failed.
    pub fn start(&mut self, number: u64, spec: ContainerSpec) -> Result<(), Failure> {
        if self.containers.contains_key(&spec.id) {
            return Err(Failure::new(FailureKind::Precondition, format!("container {} exists", spec.id)));
        }
        let container = start_failure(self.launch(number, spec))?;
        self.containers.insert(container.id.clone(), container);
        Ok(())
    }

    /// Forks a command in a container; the answer follows when it has got to its program or failed.
    pub fn exec(&mut self, number: u64, spec: ExecSpec) -> Result<(), Failure> {
        let descriptors = self.take_descriptors(number, spec.streams)?;
        self.living(&spec.container)?;
        let command = start_failure(self.launch_command(spec, descriptors))?;
        self.assign(number, Role::Command(command));
        Ok(())
    }

    /// Hears from a container on its way to its program.
    pub fn hear_launch(&mut self, id: &str) {
        let Some(container) = self.containers.get_mut(id) else { return };
        let Stage::Launching(channel, number) = &container.stage else { return };
        let number = *number;
        match hear(channel) {
            Word::Nothing => {}
            Word::Terminal(master) => container.take_terminal(master),
            Word::Runs => {
                container.stage = Stage::Running;
                container.started_at = clock::now();
                let pid = container.pid.as_raw_nonzero().get();
                let started = Answer::Started { pid, at: container.started_at };
                let running = Answer::Running(container.report());
                self.tell_watchers(&running);
                self.tell(number, &started, None);
            }
            Word::Failed(message) => {
                self.containers.remove(id);
                let failure = Failure::new(FailureKind::Start, message);
                self.tell(number, &Answer::Failed(failure), None);
            }
        }
    }

    /// Hears from a command on its way to its program.
    pub fn hear_command(&mut self, number: u64) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let Role::Command(command) = &mut connection.role else { return };
        let Some(channel) = &command.channel else { return };
        let pid = command.pid.as_raw_nonzero().get();
        match hear(channel) {
            Word::Nothing => {}
            Word::Terminal(master) => connection.descriptors.push(master),
            Word::Runs => {
                command.channel = None;
                let master = connection.descriptors.pop();
                connection.answer_with(&Answer::Started { pid, at: clock::now() }, master);
            }
            Word::Failed(message) => {
                connection.role = Role::Calls;
                connection.fail(Failure::new(FailureKind::Start, message));
            }
        }
    }

    fn launch(&self, number: u64, spec: ContainerSpec) -> Outcome<Container> {
        let log = spec.log.as_deref().map(Log::open).transpose()?;
        let seccomp = read_seccomp(&spec.process)?;
        let (ours, theirs) = channel()?;
        let (ends, stdio) = match spec.process.terminal {
            true => (OwnEnds::default(), None),
            false => {
                let (ends, stdio) = make_pipes(spec.stdin)?;
                (ends, Some(stdio))
            }
        };
        let program = Program { spec: &spec.process, seccomp, stdio, channel: theirs };
        let pid = match self.fork_for(&spec.pid, &spec.cgroup)? {
            Forked::Child => {
                drop(ours);
                child::become_container(&self.sandbox, &spec, program)
            }
            Forked::Parent(pid) => pid,
        };
        drop(program);
        let input = ends.stdin.map(|fd| Input { fd, pending: Vec::new(), closing: false, mode: spec.stdin });
        Ok(Container {
            handle: sandbox::open_pidfd(pid)?,
            pid,
            namespace: spec.pid,
            cgroup: spec.cgroup,
            started_at: clock::now(),
            stage: Stage::Launching(ours, number),
            terminal: spec.process.terminal,
            stdout: ends.stdout,
            stderr: ends.stderr,
            input,
            log,
            id: spec.id,
        })
    }

    fn fork_for(&self, namespace: &PidNamespace, cgroup: &CgroupSpec) -> Outcome<Forked> {
        match namespace {
            PidNamespace::Private => fork(CloneFlags::PID, cgroup),
            PidNamespace::Host => fork(CloneFlags::INHERIT, cgroup),
            PidNamespace::Pod => self.sandbox.fork_into(self.sandbox.pod_pids()?, cgroup),
            PidNamespace::Target(id) => {
                let target = self.containers.get(id).filter(|container| container.is_alive());
                let target = target.ok_or_else(|| Fault(format!("target container {id} is not running")))?;
                self.fork_beside(target, cgroup)
            }
        }
    }

    /// Forks into the PID namespace that a container lives in.
    fn fork_beside(&self, container: &Container, cgroup: &CgroupSpec) -> Outcome<Forked> {
        match container.namespace {
            PidNamespace::Host => fork(CloneFlags::INHERIT, cgroup),
            _ => self.sandbox.fork_into(&container.handle, cgroup),
        }
    }

    fn launch_command(&self, spec: ExecSpec, descriptors: [Option<OwnedFd>; 3]) -> Outcome<Command> {
        let container = self
            .containers
            .get(&spec.container)
            .ok_or_else(|| Fault(format!("no such container: {}", spec.container)))?;
        let seccomp = read_seccomp(&spec.process)?;
        let (ours, theirs) = channel()?;
        let stdio = match spec.process.terminal {
            true => None,
            false => {
                let [stdin, stdout, stderr] = descriptors;
                let or_null = |fd: Option<OwnedFd>| fd.map_or_else(open_null, Ok);
                Some(Stdio { stdin: or_null(stdin)?, stdout: or_null(stdout)?, stderr: or_null(stderr)? })
            }
        };
        let program = Program { spec: &spec.process, seccomp, stdio, channel: theirs };
        match self.fork_beside(container, &container.cgroup)? {
            Forked::Child => {
                drop(ours);
                child::become_command(&container.handle, &container.cgroup, program)
            }
            Forked::Parent(pid) => Ok(Command { pid, channel: Some(ours) }),
        }
    }
}

impl Container {
    fn take_terminal(&mut self, master: OwnedFd) {
        // A descriptor just received is valid, so neither can fail but for lack of descriptors; then the terminal is mute.
        let _ = set_nonblocking(&master);
        if let Ok(fd) = rustix::io::fcntl_dupfd_cloexec(&master, 3) {
            self.input = Some(Input { fd, pending: Vec::new(), closing: false, mode: Stdin::Open });
        }
        self.stdout = Some(master);
    }
}

fn fork(flags: CloneFlags, cgroup: &CgroupSpec) -> Outcome<Forked> {
    let directory = sandbox::open_cgroup(cgroup)?;
    crate::sys::fork(flags, directory.as_ref()).doing("fork")
}

fn hear(channel: &OwnedFd) -> Word {
    let mut bytes = [0; 4200];
    let mut received = Vec::new();
    match descriptors::receive(channel, &mut bytes, &mut received) {
        Ok(0) => Word::Runs,
        Ok(length) => match (bytes[0], received.pop()) {
            (child::TERMINAL, Some(master)) => Word::Terminal(master),
            (child::ERROR, _) => Word::Failed(String::from_utf8_lossy(&bytes[1..length]).into_owned()),
            _ => Word::Nothing,
        },
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Word::Nothing,
        Err(_) => Word::Runs,
    }
}

fn channel() -> Outcome<(OwnedFd, OwnedFd)> {
    let (ours, theirs) =
        rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .doing("make a socket pair")?;
    set_nonblocking(&ours)?;
    Ok((ours, theirs))
}

fn make_pipes(stdin: Stdin) -> Outcome<(OwnEnds, Stdio)> {
    let pipe = || rustix::pipe::pipe_with(PipeFlags::CLOEXEC).doing("make a pipe");
    let (stdout, their_stdout) = pipe()?;
    let (stderr, their_stderr) = pipe()?;
    let (their_stdin, stdin) = match stdin {
        Stdin::Null => (open_null()?, None),
        Stdin::Open | Stdin::Once => {
            let (reading, writing) = pipe()?;
            (reading, Some(writing))
        }
    };
    for fd in stdin.iter().chain([&stdout, &stderr]) {
        set_nonblocking(fd)?;
    }
    let ends = OwnEnds { stdin, stdout: Some(stdout), stderr: Some(stderr) };
    Ok((ends, Stdio { stdin: their_stdin, stdout: their_stdout, stderr: their_stderr }))
}

fn read_seccomp(process: &ProcessSpec) -> Outcome<Option<Vec<u8>>> {
    process
        .seccomp
        .as_deref()
        .map(|path| std::fs::read(path).doing(format_args!("read seccomp filter {}", path.display())))
        .transpose()
}
