//! Ended processes: their last output, their record on disk, and who is told.

use crate::clock;
use crate::connection::Role;
use crate::container::{Container, Stage};
use crate::fault::{Doing, Fault, Outcome};
use crate::log::Stream;
use crate::supervisor::Supervisor;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};
use skiff_shim::protocol::spec::PidNamespace;
use skiff_shim::protocol::{Answer, EXITS, ExitRecord};

impl Supervisor {
    /// Collects every child that has ended.
    pub fn reap(&mut self) {
        self.drain_signals();
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            if status.exited() || status.signaled() {
                self.bury(pid, exit_code(status));
            }
        }
    }

    fn drain_signals(&self) {
        let mut bytes = [0; 1024];
        while rustix::io::read(self.signals(), &mut bytes).is_ok_and(|length| length > 0) {}
    }

    fn bury(&mut self, pid: Pid, code: i32) {
        let container =
            self.containers.values().find(|container| container.pid == pid && container.is_alive());
        if let Some(id) = container.map(|container| container.id.clone()) {
            self.container_ended(&id, code);
        } else {
            self.command_ended(pid, code);
        }
    }

    fn container_ended(&mut self, id: &str, code: i32) {
        // What it said last on its way to its program decides whether it ever ran.
        while matches!(self.containers.get(id), Some(Container { stage: Stage::Launching(..), .. })) {
            self.hear_launch(id);
        }
        let Some(container) = self.containers.get_mut(id) else { return };
        if container.namespace != PidNamespace::Private {
            // In a namespace of its own the kernel has done this.
            let _ = container.signal_all(Signal::KILL);
        }
        self.drain(id);
        let Some(container) = self.containers.get_mut(id) else { return };
        let record = ExitRecord {
            id: id.to_owned(),
            code,
            oom_killed: container.was_oom_killed(),
            started_at: container.started_at,
            finished_at: clock::now(),
        };
        if let Err(fault) = write_record(&record) {
            eprintln!("skiff-shim: {fault}");
        }
        container.stage = Stage::Ended(record.clone());
        self.announce(id, record);
    }

    /// Reads what an ended container left in its pipes, and closes them.
    fn drain(&mut self, id: &str) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            while self.relay_output(id, stream) {}
        }
        if let Some(container) = self.containers.get_mut(id) {
            if let Some(log) = &mut container.log {
                log.finish();
            }
            (container.stdout, container.stderr) = (None, None);
            (container.input, container.log) = (None, None);
        }
    }

    fn announce(&mut self, id: &str, record: ExitRecord) {
        let code = record.code;
        self.tell_watchers(&Answer::Exited(record));
        for client in self.attachments.values_mut().filter(|client| client.container == id) {
            client.ended = Some(code);
        }
    }

    /// Tells attached clients of the end, each when it has taken the output before it.
    pub fn tell_ends(&mut self) {
        for (number, client) in &mut self.attachments {
            if let (Some(code), Some(connection)) = (client.take_end(), self.connections.get_mut(number)) {
                connection.answer(&Answer::Ended(code));
            }
        }
    }

    fn command_ended(&mut self, pid: Pid, code: i32) {
        let found = self.connections.iter().find_map(|(connection, state)| match &state.role {
            Role::Command(command) if command.pid == pid => Some(*connection),
            _ => None,
        });
        let Some(connection) = found else { return };
        while self.is_launching(connection) {
            self.hear_command(connection);
        }
        if let Some(state) = self.connections.get_mut(&connection)
            && matches!(state.role, Role::Command(_))
        {
            state.answer(&Answer::Ended(code));
            // Its number may soon be another process's.
            state.role = Role::Calls;
        }
    }

    fn is_launching(&self, connection: u64) -> bool {
        self.connections
            .get(&connection)
            .is_some_and(|state| matches!(&state.role, Role::Command(command) if command.channel.is_some()))
    }
}

fn exit_code(status: WaitStatus) -> i32 {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => code,
        (None, Some(signal)) => 128 + signal,
        (None, None) => 255,
    }
}

fn write_record(record: &ExitRecord) -> Outcome<()> {
    let path = format!("{EXITS}/{}", record.id);
    let temporary = format!("{path}.new");
    let bytes = serde_json::to_vec(record).map_err(|error| Fault(error.to_string()))?;
    std::fs::write(&temporary, bytes).doing("write an exit record")?;
    std::fs::rename(&temporary, &path).doing("write an exit record")
}
