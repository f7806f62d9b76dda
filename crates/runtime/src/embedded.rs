//! The embedded runtime: its parts, and how it is opened over what is already running.

use crate::cgroup::{self, Hierarchy};
use crate::config::RuntimeConfig;
use crate::container::Container;
use crate::error::{At, Outcome, RuntimeError};
use crate::events::BACKLOG;
use crate::image::ImageStore;
use crate::layout::Layout;
use crate::sandbox::{Sandbox, SandboxStage};
use crate::stats::Samples;
use crate::{identifier, shim};
use futures::future::join_all;
use skiff_cri::v1::ContainerEventResponse;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// The embedded container runtime. Dropping it stops nothing but its own watching.
pub struct EmbeddedRuntime {
    pub(crate) core: Arc<Core>,
}

/// What all of the runtime's tasks share.
pub struct Core {
    /// How it was opened.
    pub config: RuntimeConfig,
    /// Where things are.
    pub layout: Layout,
    /// Control groups.
    pub cgroups: Arc<dyn Hierarchy>,
    /// Images.
    pub images: ImageStore,
    /// The shim program.
    pub shim_program: PathBuf,
    /// What happens.
    pub events: broadcast::Sender<ContainerEventResponse>,
    /// Last samples of CPU time.
    pub samples: Samples,
    /// Ends the tasks that follow shims.
    pub closing: CancellationToken,
    sandboxes: RwLock<BTreeMap<String, Arc<Sandbox>>>,
    containers: RwLock<BTreeMap<String, Arc<Container>>>,
}

impl EmbeddedRuntime {
    /// Opens the runtime of a data directory and adopts what runs.
    pub async fn open(config: RuntimeConfig) -> Result<Arc<Self>, RuntimeError> {
        let layout = Layout::open(&config.data_dir)?;
        let core = Arc::new(Core {
            cgroups: cgroup::detect()?,
            images: ImageStore::of(&layout),
            shim_program: shim::install(&layout)?,
            events: broadcast::Sender::new(BACKLOG),
            samples: Samples::default(),
            closing: CancellationToken::new(),
            sandboxes: RwLock::default(),
            containers: RwLock::default(),
            layout,
            config,
        });
        core.load()?;
        core.adopt().await?;
        let images = core.images.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = images.sweep() {
                tracing::warn!(%error, "could not remove unused layers");
            }
        });
        Ok(Arc::new(Self { core }))
    }

    /// The image store.
    pub fn images(&self) -> &ImageStore {
        &self.core.images
    }
}

impl Drop for EmbeddedRuntime {
    fn drop(&mut self) {
        self.core.closing.cancel();
    }
}

impl Core {
    /// A sandbox by its id or the unique start of it.
    pub fn find_sandbox(&self, id: &str) -> Option<Arc<Sandbox>> {
        let sandboxes = self.sandboxes.read().unwrap_or_else(PoisonError::into_inner);
        identifier::resolve(&sandboxes, id).cloned()
    }

    /// A container by its id or the unique start of it.
    pub fn find_container(&self, id: &str) -> Option<Arc<Container>> {
        let containers = self.containers.read().unwrap_or_else(PoisonError::into_inner);
        identifier::resolve(&containers, id).cloned()
    }

    /// All sandboxes.
    pub fn sandboxes(&self) -> Vec<Arc<Sandbox>> {
        self.sandboxes.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// All containers.
    pub fn containers(&self) -> Vec<Arc<Container>> {
        self.containers.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Containers of a sandbox.
    pub fn containers_of(&self, sandbox: &str) -> Vec<Arc<Container>> {
        let containers = self.containers.read().unwrap_or_else(PoisonError::into_inner);
        containers.values().filter(|container| container.sandbox == sandbox).cloned().collect()
    }

    /// Adds a sandbox.
    pub fn insert_sandbox(&self, sandbox: Arc<Sandbox>) {
        let mut sandboxes = self.sandboxes.write().unwrap_or_else(PoisonError::into_inner);
        sandboxes.insert(sandbox.id.clone(), sandbox);
    }

    /// Adds a container.
    pub fn insert_container(&self, container: Arc<Container>) {
        let mut containers = self.containers.write().unwrap_or_else(PoisonError::into_inner);
        containers.insert(container.id.clone(), container);
    }

    /// Forgets a sandbox.
    pub fn forget_sandbox(&self, id: &str) {
        self.sandboxes.write().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Forgets a container.
    pub fn forget_container(&self, id: &str) {
        self.containers.write().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Kills what runs in a cgroup and removes it; false if that takes longer than `patience`. Version 1 does not tell when a group gets empty.
    pub async fn clear_cgroup(&self, path: &str, patience: Duration) -> bool {
        let deadline = tokio::time::Instant::now() + patience;
        let mut pause = Duration::from_millis(1);
        loop {
            for process in self.cgroups.processes(path) {
                if let Some(pid) = rustix::process::Pid::from_raw(process) {
                    // It may have ended meanwhile.
                    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                }
            }
            if self.cgroups.remove(path) {
                return true;
            }
            if tokio::time::Instant::now() > deadline {
                return false;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    }

    /// Notes where cgroups are made, for the clean-up of a data directory.
    pub fn remember_cgroup_parent(&self, parent: &str) -> Outcome<()> {
        // The pod's own group is its sandbox's to name; those above it are shared and outlive it.
        let above = parent.rsplit_once('/').map_or("", |(above, _)| above);
        let path = self.layout.cgroup_parents();
        let known = std::fs::read_to_string(&path).unwrap_or_default();
        if above.is_empty() || known.lines().any(|line| line == above) {
            return Ok(());
        }
        let mut file = std::fs::File::options().create(true).append(true).open(&path).at("open", &path)?;
        writeln!(file, "{above}").at("write", &path)
    }

    fn load(&self) -> Outcome<()> {
        for directory in folders(&self.layout.sandboxes())? {
            match Sandbox::load(&directory) {
                Ok(Some(record)) => self.insert_sandbox(Arc::new(Sandbox::new(record, directory))),
                // Its maker died before there was anything but the folder.
                Ok(None) => std::fs::remove_dir_all(&directory).at("remove", &directory)?,
                Err(error) => return Err(error),
            }
        }
        for directory in folders(&self.layout.containers())? {
            match Container::load(&directory) {
                Ok(Some(record)) => self.insert_container(Arc::new(Container::new(record, directory))),
                Ok(None) => std::fs::remove_dir_all(&directory).at("remove", &directory)?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn adopt(self: &Arc<Self>) -> Outcome<()> {
        let adoptions = self.sandboxes().into_iter().map(|sandbox| self.clone().adopt_sandbox(sandbox));
        for adopted in join_all(adoptions).await {
            adopted?;
        }
        let live = self.sandboxes().into_iter().filter(|sandbox| sandbox.record().networked);
        let live = live.map(|sandbox| sandbox.id.clone()).collect();
        if let Err(error) = self.config.network.collect(live).await {
            tracing::warn!(%error, "could not free what the pod network holds for nobody");
        }
        Ok(())
    }

    async fn adopt_sandbox(self: Arc<Self>, sandbox: Arc<Sandbox>) -> Outcome<()> {
        if sandbox.stage() == SandboxStage::Stopped {
            return Ok(());
        }
        match sandbox.shim.hello().await {
            Ok((_, pid)) => {
                sandbox.note(|record| record.shim_pid = Some(pid));
                self.watch_sandbox(sandbox).await
            }
            Err(error @ RuntimeError::NewerShim { .. }) => Err(error),
            Err(error) => {
                tracing::info!(sandbox = %sandbox.id, %error, "a pod sandbox did not survive");
                self.bury_sandbox(&sandbox).await
            }
        }
    }
}

/// Now, in nanoseconds since the epoch, as CRI counts.
pub fn now() -> i64 {
    let now = jiff::Timestamp::now().as_nanosecond();
    i64::try_from(now).unwrap_or(i64::MAX)
}

fn folders(path: &Path) -> Outcome<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).at("list", path)? {
        let entry = entry.at("list", path)?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}
