//! Follows a sandbox's shim: exits of its containers, and its own end.

use super::{Sandbox, SandboxStage};
use crate::embedded::Core;
use crate::error::{Outcome, RuntimeError};
use crate::shim::ShimConnection;
use skiff_shim::protocol::{Answer, Call, ContainerReport};
use std::sync::{Arc, Weak};

impl Core {
    /// Takes in what the shim knows and goes on following it.
    pub async fn watch_sandbox(self: Arc<Self>, sandbox: Arc<Sandbox>) -> Outcome<()> {
        let mut connection = sandbox.shim.connect().await?;
        connection.send(Call::Watch, &[]).await?;
        match connection.expect().await? {
            Answer::Containers(reports) => self.take_reports(&sandbox, reports)?,
            other => return Err(RuntimeError::Internal(format!("shim answered {other:?} to a watch"))),
        }
        let closing = self.closing.clone();
        let core = Arc::downgrade(&self);
        tokio::spawn(async move {
            tokio::select! {
                () = closing.cancelled() => {}
                () = follow(core, sandbox, connection) => {}
            }
        });
        Ok(())
    }

    fn take_news(&self, answer: Answer) -> Outcome<()> {
        match answer {
            Answer::Running(report) => match self.find_container(&report.id) {
                Some(container) => self.container_started(&container, report.started_at),
                None => Ok(()),
            },
            Answer::Exited(exit) => match self.find_container(&exit.id) {
                Some(container) => self.container_ended(&container, &exit),
                None => Ok(()),
            },
            other => Err(RuntimeError::Internal(format!("shim told of {other:?}"))),
        }
    }

    fn take_reports(&self, sandbox: &Sandbox, reports: Vec<ContainerReport>) -> Outcome<()> {
        for container in self.containers_of(&sandbox.id) {
            match reports.iter().find(|report| report.id == container.id) {
                Some(ContainerReport { exit: Some(exit), .. }) => self.container_ended(&container, exit)?,
                Some(report) => self.container_started(&container, report.started_at)?,
                None => self.settle_container(&container, &sandbox.directory)?,
            }
        }
        Ok(())
    }
}

async fn follow(core: Weak<Core>, sandbox: Arc<Sandbox>, mut connection: ShimConnection) {
    while let Ok(Some(answer)) = connection.receive().await {
        let Some(core) = core.upgrade() else { return };
        if let Err(error) = core.take_news(answer) {
            tracing::error!(sandbox = %sandbox.id, %error, "could not record what became of a container");
        }
    }
    // The shim has ended. If nobody asked it to, the sandbox died with it.
    let Some(core) = core.upgrade() else { return };
    let _operation = sandbox.operation.lock().await;
    if sandbox.stage() == SandboxStage::Ready {
        tracing::warn!(sandbox = %sandbox.id, "the shim of a pod sandbox died");
        if let Err(error) = core.bury_sandbox(&sandbox).await {
            tracing::error!(sandbox = %sandbox.id, %error, "could not clear a dead sandbox away");
        }
    }
}
