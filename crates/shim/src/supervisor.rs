//! The shim's loop: waits for whatever comes next and passes it to who handles it.
//!
//! Everything that can become ready is listed anew before each wait, from the state itself; there is no second bookkeeping to keep in step.
//! Requests are handled in `calls`, new processes in `launch`, ended ones in `exits`.

use crate::attach::Attachment;
use crate::connection::{Connection, Role};
use crate::container::{Container, Output, Stage, set_nonblocking};
use crate::fault::{Doing, Outcome};
use crate::log::Stream;
use crate::sandbox::Sandbox;
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use skiff_shim::protocol::SOCKET;
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

/// More connections than this wait in the socket's queue.
const MAX_CONNECTIONS: usize = 512;

/// The pod's supervisor.
pub struct Supervisor {
    /// The pod's namespaces.
    pub sandbox: Sandbox,
    /// Containers by id.
    pub containers: BTreeMap<String, Container>,
    /// Connections by number.
    pub connections: BTreeMap<u64, Connection>,
    /// Attached clients by their connection's number.
    pub attachments: BTreeMap<u64, Attachment>,
    listener: OwnedFd,
    signals: OwnedFd,
    next_connection: u64,
}

/// Whether the shim goes on.
#[derive(PartialEq, Eq)]
enum Course {
    Stay,
    Leave,
}

/// Something that can become ready.
enum Token {
    Listener,
    Signals,
    Connection(u64),
    CommandChannel(u64),
    LaunchChannel(String),
    Output(String, Stream),
    ContainerInput(String),
    ClientInput(u64),
    ClientOutput(u64, Stream),
}

impl Supervisor {
    /// Listens in the sandbox's directory.
    pub fn new(sandbox: Sandbox, signals: OwnedFd) -> Outcome<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let listener = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
            .doing("make the socket")?;
        let address = SocketAddrUnix::new(SOCKET).doing("name the socket")?;
        rustix::net::bind(&listener, &address).doing("bind the socket")?;
        rustix::fs::chmod(SOCKET, rustix::fs::Mode::from_raw_mode(0o600)).doing("protect the socket")?;
        rustix::net::listen(&listener, 128).doing("listen")?;
        Ok(Self {
            sandbox,
            containers: BTreeMap::new(),
            connections: BTreeMap::new(),
            attachments: BTreeMap::new(),
            listener,
            signals,
            next_connection: 0,
        })
    }

    /// Runs until told to shut down.
    pub fn run(&mut self) -> Outcome<()> {
        loop {
            for (token, events) in self.wait()? {
                self.handle(token, events);
            }
            self.tell_ends();
            self.drop_broken_connections();
            if self.course() == Course::Leave {
                return Ok(());
            }
        }
    }

    fn wait(&self) -> Outcome<Vec<(Token, PollFlags)>> {
        let mut watched = Vec::new();
        self.list_connections(&mut watched);
        self.list_containers(&mut watched);
        self.list_attachments(&mut watched);
        let mut polled: Vec<PollFd<'_>> =
            watched.iter().map(|(_, fd, flags)| PollFd::new(*fd, *flags)).collect();
        match rustix::event::poll(&mut polled, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno).doing("wait for events"),
        }
        let ready: Vec<PollFlags> = polled.iter().map(PollFd::revents).collect();
        let events = watched.into_iter().zip(ready).filter(|(_, flags)| !flags.is_empty());
        Ok(events.map(|((token, _, _), flags)| (token, flags)).collect())
    }

    fn list_connections<'a>(&'a self, watched: &mut Vec<(Token, &'a OwnedFd, PollFlags)>) {
        // Ended processes come first: their exit is known before anyone asks for it.
        watched.push((Token::Signals, &self.signals, PollFlags::IN));
        if self.connections.len() < MAX_CONNECTIONS {
            watched.push((Token::Listener, &self.listener, PollFlags::IN));
        }
        for (number, connection) in &self.connections {
            let mut flags = PollFlags::IN;
            flags.set(PollFlags::OUT, connection.has_outgoing());
            watched.push((Token::Connection(*number), &connection.socket, flags));
            if let Role::Command(command) = &connection.role
                && let Some(channel) = &command.channel
            {
                watched.push((Token::CommandChannel(*number), channel, PollFlags::IN));
            }
        }
    }

    fn list_containers<'a>(&'a self, watched: &mut Vec<(Token, &'a OwnedFd, PollFlags)>) {
        for (id, container) in &self.containers {
            if let Stage::Launching(channel, _) = &container.stage {
                watched.push((Token::LaunchChannel(id.clone()), channel, PollFlags::IN));
            }
            for (stream, source) in [(Stream::Stdout, &container.stdout), (Stream::Stderr, &container.stderr)]
            {
                if let Some(source) = source.as_ref().filter(|_| !self.is_clogged(id, stream)) {
                    watched.push((Token::Output(id.clone(), stream), source, PollFlags::IN));
                }
            }
            if let Some(input) = container.input.as_ref().filter(|input| !input.pending.is_empty()) {
                watched.push((Token::ContainerInput(id.clone()), &input.fd, PollFlags::OUT));
            }
        }
    }

    fn list_attachments<'a>(&'a self, watched: &mut Vec<(Token, &'a OwnedFd, PollFlags)>) {
        for (number, attachment) in &self.attachments {
            let hungry = self
                .containers
                .get(&attachment.container)
                .and_then(|container| container.input.as_ref())
                .is_none_or(|input| input.pending.is_empty());
            if let Some(stdin) = attachment.stdin.as_ref().filter(|_| hungry) {
                watched.push((Token::ClientInput(*number), stdin, PollFlags::IN));
            }
            for (stream, sink) in [(Stream::Stdout, &attachment.stdout), (Stream::Stderr, &attachment.stderr)]
            {
                if let Some(sink) = sink.as_ref().filter(|_| attachment.is_clogged(stream)) {
                    watched.push((Token::ClientOutput(*number, stream), &sink.fd, PollFlags::OUT));
                }
            }
        }
    }

    fn is_clogged(&self, container: &str, stream: Stream) -> bool {
        self.attachments.values().any(|client| client.container == container && client.is_clogged(stream))
    }

    fn handle(&mut self, token: Token, events: PollFlags) {
        match token {
            Token::Signals => self.reap(),
            Token::Listener => self.accept(),
            Token::Connection(number) => self.serve(number, events),
            Token::CommandChannel(number) => self.hear_command(number),
            Token::LaunchChannel(id) => self.hear_launch(&id),
            Token::Output(id, stream) => {
                self.relay_output(&id, stream);
            }
            Token::ContainerInput(id) => {
                if let Some(container) = self.containers.get_mut(&id) {
                    container.feed();
                }
            }
            Token::ClientInput(number) => self.relay_input(number),
            Token::ClientOutput(number, stream) => {
                if let Some(client) = self.attachments.get_mut(&number) {
                    client.flush(stream);
                }
            }
        }
    }

    /// Reads a container's stream once and passes it to its log and clients; false if there was nothing.
    pub fn relay_output(&mut self, id: &str, stream: Stream) -> bool {
        let Some(container) = self.containers.get_mut(id) else { return false };
        match container.read(stream) {
            Output::Bytes(bytes) => {
                for client in self.attachments.values_mut().filter(|client| client.container == id) {
                    client.write(stream, &bytes);
                }
                true
            }
            Output::Later | Output::End => false,
        }
    }

    fn relay_input(&mut self, number: u64) {
        let Some(client) = self.attachments.get_mut(&number) else { return };
        let bytes = client.read_input();
        let Some(container) = self.containers.get_mut(&client.container) else { return };
        let Some(input) = &mut container.input else { return };
        match bytes {
            Some(bytes) => input.pending.extend(bytes),
            None => input.closing |= input.mode == skiff_shim::protocol::spec::Stdin::Once,
        }
        container.feed();
    }

    fn accept(&mut self) {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        while let Ok(socket) = rustix::net::accept_with(&self.listener, flags) {
            self.next_connection += 1;
            self.connections.insert(self.next_connection, Connection::new(socket));
            if self.connections.len() >= MAX_CONNECTIONS {
                return;
            }
        }
    }

    fn serve(&mut self, number: u64, events: PollFlags) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        if events.contains(PollFlags::OUT) {
            connection.flush();
        }
        connection.receive();
        while let Some(connection) = self.connections.get_mut(&number) {
            match connection.next_request() {
                Ok(Some(request)) => self.call(number, request),
                Ok(None) => return,
                Err(error) => {
                    let failure = skiff_shim::protocol::Failure::new(
                        skiff_shim::protocol::FailureKind::Invalid,
                        error.to_string(),
                    );
                    connection.fail(failure);
                    self.close(number);
                    return;
                }
            }
        }
    }

    fn drop_broken_connections(&mut self) {
        let broken: Vec<u64> = self
            .connections
            .iter()
            .filter(|(_, connection)| connection.is_broken())
            .map(|(number, _)| *number)
            .collect();
        for number in broken {
            self.close(number);
        }
    }

    /// Forgets a connection; a command that it started is killed.
    fn close(&mut self, number: u64) {
        self.attachments.remove(&number);
        if let Some(Connection { role: Role::Command(command), .. }) = self.connections.remove(&number) {
            // The command leads a process group from its first moments on; before that it is alone.
            let _ = rustix::process::kill_process_group(command.pid, rustix::process::Signal::KILL);
            let _ = rustix::process::kill_process(command.pid, rustix::process::Signal::KILL);
        }
    }

    /// Leaves once somebody asked for it and nothing lives any more.
    fn course(&mut self) -> Course {
        let asked = self.connections.values().any(|connection| matches!(connection.role, Role::Shutdown));
        if !asked || self.containers.values().any(Container::is_alive) {
            return Course::Stay;
        }
        for connection in self.connections.values_mut() {
            if matches!(connection.role, Role::Shutdown) {
                connection.answer(&skiff_shim::protocol::Answer::Done);
            }
        }
        // A stale socket would only look like a dead shim.
        let _ = rustix::fs::unlink(SOCKET);
        Course::Leave
    }

    /// The descriptor that tells of ended children.
    pub fn signals(&self) -> &OwnedFd {
        &self.signals
    }

    /// A client's descriptor, ready for the loop.
    pub fn adopt_descriptor(fd: OwnedFd) -> Outcome<OwnedFd> {
        set_nonblocking(&fd)?;
        Ok(fd)
    }
}
