//! What the runtime asks for, one function per request.

use crate::attach::{Attachment, Sink};
use crate::connection::Role;
use crate::container::{Container, Stage};
use crate::fault::{Fault, Outcome};
use crate::supervisor::Supervisor;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::process::Signal;
use rustix::termios::Winsize;
use skiff_shim::protocol::spec::Streams;
use skiff_shim::protocol::{
    Answer, Call, EXITS, Failure, FailureKind, Family, Request, SignalTarget, VERSION,
};
use std::os::fd::OwnedFd;

impl Supervisor {
    /// Handles one request of a connection.
    pub fn call(&mut self, number: u64, request: Request) {
        let result = match request.call {
            Call::Hello => self.hello(number),
            _ if request.version > VERSION => Err(Failure::new(
                FailureKind::Version,
                format!("the caller speaks protocol {}, this shim speaks {VERSION}", request.version),
            )),
            Call::Watch => self.watch(number),
            Call::Start(spec) => self.start(number, *spec),
            Call::Signal { container, signal, target } => self.signal(number, &container, signal, target),
            Call::Exec(spec) => self.exec(number, *spec),
            Call::Attach { container, streams } => self.attach(number, container, streams),
            Call::Resize { width, height } => {
                self.resize(number, width, height);
                Ok(())
            }
            Call::ReopenLog { container } => self.reopen_log(number, &container),
            Call::Socket { family } => self.socket(number, family),
            Call::Forget { container } => self.forget(number, &container),
            Call::Shutdown => self.shut_down(number),
        };
        if let (Err(failure), Some(connection)) = (result, self.connections.get_mut(&number)) {
            connection.fail(failure);
        }
    }

    /// Answers a connection that is still there.
    pub fn tell(&mut self, number: u64, answer: &Answer, descriptor: Option<OwnedFd>) {
        if let Some(connection) = self.connections.get_mut(&number) {
            connection.answer_with(answer, descriptor);
        }
    }

    /// Tells everybody who watches.
    pub fn tell_watchers(&mut self, answer: &Answer) {
        for connection in self.connections.values_mut() {
            if matches!(connection.role, Role::Watch) {
                connection.answer(answer);
            }
        }
    }

    /// Gives a connection its role.
    pub fn assign(&mut self, number: u64, role: Role) {
        if let Some(connection) = self.connections.get_mut(&number) {
            connection.role = role;
        }
    }

    /// The descriptors that came with the request, by stream.
    pub fn take_descriptors(
        &mut self,
        number: u64,
        streams: Streams,
    ) -> Result<[Option<OwnedFd>; 3], Failure> {
        let descriptors = match self.connections.get_mut(&number) {
            Some(connection) => std::mem::take(&mut connection.descriptors),
            None => Vec::new(),
        };
        if descriptors.len() != streams.count() {
            return Err(Failure::new(FailureKind::Invalid, "the request's descriptors are missing"));
        }
        let mut descriptors = descriptors.into_iter();
        let mut take = |wanted: bool| if wanted { descriptors.next() } else { None };
        Ok([take(streams.stdin), take(streams.stdout), take(streams.stderr)])
    }

    /// A container that has not ended.
    pub fn living(&mut self, id: &str) -> Result<&mut Container, Failure> {
        let container = self.known(id)?;
        match container.stage {
            Stage::Running => Ok(container),
            _ => Err(Failure::new(FailureKind::Precondition, format!("container {id} is not running"))),
        }
    }

    fn known(&mut self, id: &str) -> Result<&mut Container, Failure> {
        self.containers
            .get_mut(id)
            .ok_or_else(|| Failure::new(FailureKind::NotFound, format!("no such container: {id}")))
    }

    fn done(&mut self, number: u64) -> Result<(), Failure> {
        self.tell(number, &Answer::Done, None);
        Ok(())
    }

    fn hello(&mut self, number: u64) -> Result<(), Failure> {
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        self.tell(number, &Answer::Hello { version: VERSION, pid }, None);
        Ok(())
    }

    fn watch(&mut self, number: u64) -> Result<(), Failure> {
        let reports = self
            .containers
            .values()
            .filter(|container| !matches!(container.stage, Stage::Launching(..)))
            .map(Container::report)
            .collect();
        self.tell(number, &Answer::Containers(reports), None);
        self.assign(number, Role::Watch);
        Ok(())
    }

    fn signal(&mut self, number: u64, id: &str, signal: i32, target: SignalTarget) -> Result<(), Failure> {
        let signal = Signal::from_named_raw(signal)
            .ok_or_else(|| Failure::new(FailureKind::Invalid, format!("no such signal: {signal}")))?;
        let container = self.known(id)?;
        let sent = match (container.is_alive(), target) {
            (false, _) => Ok(()),
            (true, SignalTarget::Main) => container.signal(signal),
            (true, SignalTarget::All) => container.signal_all(signal),
        };
        sent.map_err(|errno| Failure::new(FailureKind::Internal, format!("signal container {id}: {errno}")))?;
        self.done(number)
    }

    fn attach(&mut self, number: u64, id: String, streams: Streams) -> Result<(), Failure> {
        let [stdin, stdout, stderr] = self.take_descriptors(number, streams)?;
        self.living(&id)?;
        let nonblocking =
            |fd: Option<OwnedFd>| fd.map(Supervisor::adopt_descriptor).transpose().map_err(internal);
        let attachment = Attachment {
            container: id,
            stdin: nonblocking(stdin)?,
            stdout: nonblocking(stdout)?.map(Sink::new),
            stderr: nonblocking(stderr)?.map(Sink::new),
            ended: None,
        };
        self.attachments.insert(number, attachment);
        self.assign(number, Role::Attached);
        self.done(number)
    }

    fn resize(&mut self, number: u64, width: u16, height: u16) {
        let Some(attachment) = self.attachments.get(&number) else { return };
        let Some(container) = self.containers.get(&attachment.container).filter(|c| c.terminal) else {
            return;
        };
        if let Some(master) = &container.stdout {
            let size = Winsize { ws_row: height, ws_col: width, ws_xpixel: 0, ws_ypixel: 0 };
            // The terminal may have gone with its container.
            let _ = rustix::termios::tcsetwinsize(master, size);
        }
    }

    fn reopen_log(&mut self, number: u64, id: &str) -> Result<(), Failure> {
        if let Some(log) = &mut self.living(id)?.log {
            log.reopen().map_err(internal)?;
        }
        self.done(number)
    }

    fn socket(&mut self, number: u64, family: Family) -> Result<(), Failure> {
        let family = match family {
            Family::V4 => AddressFamily::INET,
            Family::V6 => AddressFamily::INET6,
        };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)
            .map_err(|errno| Failure::new(FailureKind::Internal, format!("make a socket: {errno}")))?;
        self.tell(number, &Answer::Done, Some(socket));
        Ok(())
    }

    fn forget(&mut self, number: u64, id: &str) -> Result<(), Failure> {
        if self.containers.get(id).is_some_and(Container::is_alive) {
            return Err(Failure::new(FailureKind::Precondition, format!("container {id} is running")));
        }
        self.containers.remove(id);
        // Without a record there is nothing to forget.
        let _ = std::fs::remove_file(format!("{EXITS}/{id}"));
        self.done(number)
    }

    fn shut_down(&mut self, number: u64) -> Result<(), Failure> {
        for container in self.containers.values().filter(|container| container.is_alive()) {
            // What cannot be signalled has ended.
            let _ = container.signal_all(Signal::KILL);
        }
        self.assign(number, Role::Shutdown);
        Ok(())
    }
}

/// A step of the shim's own that failed.
pub fn internal(fault: Fault) -> Failure {
    Failure::new(FailureKind::Internal, fault.0)
}

/// A step towards a new process that failed.
pub fn start_failure<T>(outcome: Outcome<T>) -> Result<T, Failure> {
    outcome.map_err(|fault| Failure::new(FailureKind::Start, fault.0))
}
