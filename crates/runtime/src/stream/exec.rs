//! Commands in running containers.

use super::pipes::Pipes;
use super::terminal::Terminal;
use crate::container::{Container, Phase};
use crate::embedded::Core;
use crate::error::{Outcome, RuntimeError};
use crate::shim::ShimConnection;
use skiff_cri::streams::{Session, TerminalSize};
use skiff_cri::v1::ExecRequest;
use skiff_shim::protocol::spec::{ExecSpec, ProcessSpec, Streams};
use skiff_shim::protocol::{Answer, Call};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Sizes that wait to be set; more than a person can drag.
const SIZES: usize = 8;

/// A running command: its connection, which ends it when dropped, and its streams.
pub struct Command {
    /// The connection to the shim.
    pub connection: ShimConnection,
    /// The streams, without a terminal.
    pub pipes: Pipes,
}

impl Core {
    /// Starts a command with live streams.
    pub async fn exec(&self, request: ExecRequest) -> Outcome<Session> {
        let container = self.running(&request.container_id)?;
        let streams = Streams {
            stdin: request.stdin && !request.tty,
            stdout: request.stdout && !request.tty,
            stderr: request.stderr && !request.tty,
        };
        let mut command = self.start_command(&container, request.cmd, request.tty, streams).await?;
        let mut session = Session {
            stdin: command.pipes.stdin.take(),
            stdout: command.pipes.stdout.take(),
            stderr: command.pipes.stderr.take(),
            resize: None,
            exit: Box::pin(std::future::ready(Ok(0))),
        };
        let mut connection = command.connection;
        if request.tty {
            let terminal = Terminal::new(connection.take_descriptor()?)?;
            session.resize = Some(follow_sizes(terminal.clone()));
            session.stdin = request.stdin.then(|| Box::new(terminal.clone()) as _);
            session.stdout = Some(Box::new(terminal));
        }
        session.exit = Box::pin(async move { Ok(connection.ended().await?) });
        Ok(session)
    }

    /// Starts a command; returns once its program runs.
    pub async fn start_command(
        &self,
        container: &Container,
        args: Vec<String>,
        terminal: bool,
        streams: Streams,
    ) -> Outcome<Command> {
        if args.is_empty() {
            return Err(RuntimeError::Invalid("no command specified".to_owned()));
        }
        let sandbox = self.sandbox(&container.sandbox)?;
        let main = container.read(|record| record.spec.process.clone());
        let spec = ExecSpec {
            container: container.id.clone(),
            process: command_process(main, args, terminal),
            streams,
        };
        let mut pipes = Pipes::new(streams)?;
        let mut connection = sandbox.shim.connect().await?;
        connection.send(Call::Exec(Box::new(spec)), &pipes.theirs()).await?;
        pipes.hand_over();
        match connection.expect().await {
            Ok(Answer::Started { .. }) => Ok(Command { connection, pipes }),
            Ok(other) => Err(RuntimeError::Internal(format!("shim answered {other:?} to a command"))),
            Err(RuntimeError::Shim(failure)) => Err(RuntimeError::Internal(format!(
                "failed to exec in container: failed to start exec: unable to start container process: {failure}"
            ))),
            Err(error) => Err(error),
        }
    }

    /// A container that runs.
    pub fn running(&self, id: &str) -> Outcome<Arc<Container>> {
        let container = self.container(id)?;
        match container.phase() {
            Phase::Running => Ok(container),
            _ => Err(RuntimeError::Precondition(format!("container {} is not running", container.id))),
        }
    }
}

/// A command is what the main process is, but for what it runs and its terminal.
fn command_process(main: ProcessSpec, args: Vec<String>, terminal: bool) -> ProcessSpec {
    let mut env = main.env;
    if terminal && !env.iter().any(|entry| entry.starts_with("TERM=")) {
        env.push("TERM=xterm".to_owned());
    }
    ProcessSpec { args, env, terminal, ..main }
}

/// Sets a terminal to each size that comes, until nobody can send one any more.
fn follow_sizes(terminal: Terminal) -> mpsc::Sender<TerminalSize> {
    let (sender, mut sizes) = mpsc::channel(SIZES);
    tokio::spawn(async move {
        while let Some(size) = sizes.recv().await {
            terminal.resize(size);
        }
    });
    sender
}
