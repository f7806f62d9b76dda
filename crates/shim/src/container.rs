//! A container as its shim sees it: its main process, its streams, its log, and how it ended.

use crate::fault::{Doing, Outcome};
use crate::log::{Log, Stream};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, Signal};
use skiff_shim::protocol::spec::{CgroupSpec, PidNamespace, Stdin};
use skiff_shim::protocol::{ContainerReport, ExitRecord};
use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

/// How much is read from a container at once.
const CHUNK: usize = 32 * 1024;

/// A container.
pub struct Container {
    /// Its id.
    pub id: String,
    /// Its main process.
    pub pid: Pid,
    /// A handle on the main process.
    pub handle: OwnedFd,
    /// Which PID namespace it lives in.
    pub namespace: PidNamespace,
    /// Its cgroups.
    pub cgroup: CgroupSpec,
    /// When it started, in nanoseconds since the epoch.
    pub started_at: i64,
    /// Where it is in its life.
    pub stage: Stage,
    /// It has a terminal.
    pub terminal: bool,
    /// Where its output comes from; a terminal's is all in `stdout`.
    pub stdout: Option<OwnedFd>,
    /// Where its error output comes from.
    pub stderr: Option<OwnedFd>,
    /// Where its input goes.
    pub input: Option<Input>,
    /// Its log.
    pub log: Option<Log>,
}

/// Where a container is in its life.
pub enum Stage {
    /// On its way to its program: the socket that tells how it goes, and the connection that waits for it.
    Launching(OwnedFd, u64),
    /// Its program runs.
    Running,
    /// It has ended.
    Ended(ExitRecord),
}

/// The writing side of a container's standard input.
pub struct Input {
    /// The pipe, or the terminal.
    pub fd: OwnedFd,
    /// What has not been taken yet.
    pub pending: Vec<u8>,
    /// Close it once everything is taken.
    pub closing: bool,
    /// When to close it.
    pub mode: Stdin,
}

/// What reading a stream gave.
pub enum Output {
    /// Some bytes.
    Bytes(Vec<u8>),
    /// Nothing now.
    Later,
    /// Nothing ever again.
    End,
}

impl Container {
    /// Its main process has not ended.
    pub fn is_alive(&self) -> bool {
        !matches!(self.stage, Stage::Ended(_))
    }

    /// What to tell about it.
    pub fn report(&self) -> ContainerReport {
        ContainerReport {
            id: self.id.clone(),
            pid: self.pid.as_raw_nonzero().get(),
            started_at: self.started_at,
            exit: match &self.stage {
                Stage::Ended(record) => Some(record.clone()),
                _ => None,
            },
        }
    }

    /// Sends a signal to the main process.
    pub fn signal(&self, signal: Signal) -> rustix::io::Result<()> {
        match rustix::process::pidfd_send_signal(&self.handle, signal) {
            // It ended a moment ago.
            Err(Errno::SRCH) => Ok(()),
            result => result,
        }
    }

    /// Sends a signal to every process of the container.
    pub fn signal_all(&self, signal: Signal) -> rustix::io::Result<()> {
        let main = self.signal(signal);
        signal_cgroup(&self.cgroup, signal);
        main
    }

    /// Reads one of its streams, logs what it said, and closes the stream at its end.
    pub fn read(&mut self, stream: Stream) -> Output {
        let source = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        let Some(fd) = source else { return Output::End };
        let mut bytes = vec![0; CHUNK];
        match rustix::io::read(&*fd, &mut bytes) {
            Ok(0) | Err(Errno::IO) => {
                // A terminal answers EIO once nobody has it open.
                *source = None;
                Output::End
            }
            Ok(length) => {
                bytes.truncate(length);
                if let Some(log) = &mut self.log {
                    log.write(stream, &bytes);
                }
                Output::Bytes(bytes)
            }
            Err(Errno::AGAIN | Errno::INTR) => Output::Later,
            Err(_) => {
                *source = None;
                Output::End
            }
        }
    }

    /// Passes pending input on.
    pub fn feed(&mut self) {
        let Some(input) = &mut self.input else { return };
        while !input.pending.is_empty() {
            match rustix::io::write(&input.fd, &input.pending) {
                Ok(written) => drop(input.pending.drain(..written)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => {
                    self.input = None;
                    return;
                }
            }
        }
        if input.closing {
            self.input = None;
        }
    }

    /// How many of its processes the kernel has killed for lack of memory is more than none.
    pub fn was_oom_killed(&self) -> bool {
        let Some(path) = &self.cgroup.oom else { return false };
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines()
            .filter_map(|line| line.strip_prefix("oom_kill "))
            .any(|count| count.trim().parse::<u64>().is_ok_and(|count| count > 0))
    }
}

/// Signals the processes of a cgroup, and those that they start meanwhile.
fn signal_cgroup(cgroup: &CgroupSpec, signal: Signal) {
    let mut signalled = BTreeSet::new();
    loop {
        let fresh: Vec<Pid> = members(&cgroup.members)
            .into_iter()
            .filter(|pid| signalled.insert(pid.as_raw_nonzero()))
            .collect();
        if fresh.is_empty() {
            return;
        }
        for pid in fresh {
            // It may have ended meanwhile.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }
}

fn members(procs: &PathBuf) -> Vec<Pid> {
    let text = std::fs::read_to_string(procs).unwrap_or_default();
    text.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?)).collect()
}

/// Opens /dev/null for both.
pub fn open_null() -> Outcome<OwnedFd> {
    rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).doing("open /dev/null")
}

/// Makes reads and writes return instead of waiting.
pub fn set_nonblocking(fd: &OwnedFd) -> Outcome<()> {
    let flags = rustix::fs::fcntl_getfl(fd).doing("read descriptor flags")?;
    rustix::fs::fcntl_setfl(fd, flags | OFlags::NONBLOCK).doing("set descriptor flags")
}
