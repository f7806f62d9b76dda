//! exec, attach, port-forward and run: a client's connection tied to a container's streams.

use super::query::Query;
use super::route::Target;
use super::{Answer, NodeServer, full, text};
use crate::agent::observe::observe;
use crate::pod::PodView;
use crate::worker::runtime::ContainerRecord;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use skiff_cri::streams::Session;
use skiff_cri::v1::{AttachRequest, ExecRequest, ExecSyncRequest};
use skiff_cri::{CriResult, Runtime};
use skiff_streaming::port_forward::{self, Dial};
use skiff_streaming::remote_command::{self, CommandStreams, Outcome, Process};
use skiff_streaming::streams::{Duplex, TerminalSize};
use std::sync::Arc;
use tokio::sync::mpsc;

/// What a remote command does.
#[derive(Debug, Clone)]
pub(super) enum Command {
    /// Runs a command.
    Exec(Vec<String>),
    /// Joins the container's own process.
    Attach,
}

impl NodeServer {
    /// exec and attach.
    pub(super) async fn remote_command(
        &self,
        target: Target,
        command: Command,
        request: Request<Incoming>,
    ) -> Answer {
        let query = Query::parse(request.uri().query());
        let record = match self.running(&target).await {
            Ok((_, record)) => record,
            Err(answer) => return *answer,
        };
        let streams = CommandStreams {
            stdin: query.is_set(&["input", "stdin"]),
            stdout: query.is_set(&["output", "stdout"]),
            stderr: query.is_set(&["error", "stderr"]) && !query.is_set(&["tty"]),
            tty: query.is_set(&["tty"]),
        };
        let upgrade = match remote_command::negotiate(&request) {
            Ok(upgrade) => upgrade,
            Err(error) => return error.response().map(full),
        };
        let answer = upgrade.response().map(|()| full(""));
        let runtime = self.agent.runtime.clone();
        tokio::spawn(async move {
            let Ok(connection) = hyper::upgrade::on(request).await else { return };
            let session = match upgrade.accept(TokioIo::new(connection), streams).await {
                Ok(session) => session,
                Err(error) => return tracing::debug!(%error, "client did not open its streams"),
            };
            match begin(&*runtime, record.id, command, streams).await {
                Ok(started) => {
                    if let Err(error) = session.run(process(started)).await {
                        tracing::debug!(%error, "remote command ended early");
                    }
                }
                Err(error) => session.fail(error.message).await,
            }
        });
        answer
    }

    /// port-forward.
    pub(super) async fn port_forward(&self, target: Target, request: Request<Incoming>) -> Answer {
        let Some(pod) = self.find(&target) else {
            return text(StatusCode::NOT_FOUND, "pod does not exist");
        };
        let sandbox = match observe(&self.agent, pod.uid()).await {
            Ok(runtime) => runtime.ready_sandbox(pod.host_network()).map(|sandbox| sandbox.id.clone()),
            Err(error) => return text(StatusCode::INTERNAL_SERVER_ERROR, error.message),
        };
        let Some(sandbox) = sandbox else {
            let why = format!("pod not found ({:?})", pod.full_name());
            return text(StatusCode::INTERNAL_SERVER_ERROR, why);
        };
        let upgrade = match port_forward::negotiate(&request) {
            Ok(upgrade) => upgrade,
            Err(error) => return error.response().map(full),
        };
        let answer = upgrade.response().map(|()| full(""));
        let dial = dial(self.agent.runtime.clone(), sandbox, &pod);
        tokio::spawn(async move {
            let Ok(connection) = hyper::upgrade::on(request).await else { return };
            if let Err(error) = upgrade.serve(TokioIo::new(connection), dial).await {
                tracing::debug!(%error, "port-forward ended");
            }
        });
        answer
    }

    /// run: a command's output as the answer's body.
    pub(super) async fn run_command(&self, target: Target, request: &Request<Incoming>) -> Answer {
        let query = Query::parse(request.uri().query());
        let record = match self.running(&target).await {
            Ok((_, record)) => record,
            Err(answer) => return *answer,
        };
        let cmd = query.get("cmd").unwrap_or("").split(' ').map(str::to_owned).collect();
        let answer =
            self.agent.runtime.exec_sync(ExecSyncRequest { container_id: record.id, cmd, timeout: 0 });
        match answer.await {
            Ok(output) => Response::new(full([output.stdout, output.stderr].concat())),
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, error.message),
        }
    }

    fn find(&self, target: &Target) -> Option<Arc<PodView>> {
        let pod = self.pods.find(&target.namespace, &target.pod)?;
        (target.uid.is_empty() || pod.uid() == target.uid).then_some(pod)
    }

    /// The running container that a path names.
    async fn running(&self, target: &Target) -> Result<(Arc<PodView>, ContainerRecord), Box<Answer>> {
        let failed = |status, why: String| Box::new(text(status, why));
        let pod =
            self.find(target).ok_or_else(|| failed(StatusCode::NOT_FOUND, "pod does not exist".into()))?;
        let runtime = observe(&self.agent, pod.uid())
            .await
            .map_err(|error| failed(StatusCode::INTERNAL_SERVER_ERROR, error.message))?;
        let record = runtime.latest(&target.container).filter(|record| record.is_running()).cloned();
        let missing = || format!("container not found ({:?})", target.container);
        let record = record.ok_or_else(|| failed(StatusCode::INTERNAL_SERVER_ERROR, missing()))?;
        Ok((pod, record))
    }
}

async fn begin(
    runtime: &dyn Runtime,
    container_id: String,
    command: Command,
    streams: CommandStreams,
) -> CriResult<Session> {
    let CommandStreams { stdin, stdout, stderr, tty } = streams;
    match command {
        Command::Exec(cmd) => {
            runtime.exec(ExecRequest { container_id, cmd, tty, stdin, stdout, stderr }).await
        }
        Command::Attach => runtime.attach(AttachRequest { container_id, stdin, tty, stdout, stderr }).await,
    }
}

/// The runtime's session as the wire takes it.
fn process(session: Session) -> Process {
    let Session { stdin, stdout, stderr, resize, exit } = session;
    let outcome = Box::pin(async move {
        match exit.await {
            Ok(code) => Outcome::Exited(code),
            Err(error) => Outcome::Failed(error.message),
        }
    });
    let resize = resize.map(|to| {
        let (sender, mut sizes) = mpsc::channel::<TerminalSize>(1);
        tokio::spawn(async move {
            while let Some(TerminalSize { width, height }) = sizes.recv().await {
                if to.send(skiff_cri::streams::TerminalSize { width, height }).await.is_err() {
                    return;
                }
            }
        });
        sender
    });
    Process { stdin, stdout, stderr, resize, outcome }
}

fn dial(runtime: Arc<dyn Runtime>, sandbox: String, pod: &PodView) -> Dial {
    let whom = format!("pod {}_{}, uid {}", pod.name(), pod.namespace(), pod.uid());
    Arc::new(move |port| {
        let (runtime, sandbox, whom) = (runtime.clone(), sandbox.clone(), whom.clone());
        Box::pin(async move {
            match runtime.port_forward(sandbox, port).await {
                Ok(skiff_cri::streams::Duplex { reader, writer }) => Ok(Duplex { reader, writer }),
                Err(error) => Err(format!("error forwarding port {port} to {whom}: {error}")),
            }
        })
    })
}
