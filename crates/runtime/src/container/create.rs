//! Makes a container: everything about it is decided and written down here; nothing runs yet.

use super::{Container, ContainerRecord, Phase, devices, mounts, process};
use crate::embedded::{Core, now};
use crate::error::{At, Outcome, RuntimeError};
use crate::events::EventKind;
use crate::identifier;
use crate::image::{Image, ImageError};
use crate::sandbox::{Sandbox, SandboxRecord, SandboxStage};
use crate::security::{self, signals};
use skiff_cri::v1::{
    ContainerConfig, CreateContainerRequest, LinuxContainerResources, LinuxContainerSecurityContext,
    NamespaceMode,
};
use skiff_shim::protocol::spec::{ContainerSpec, PidNamespace, RootSpec, Stdin};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a container's spec is made of.
pub struct Ingredients<'a> {
    /// Its id.
    pub id: &'a str,
    /// What the kubelet asked for.
    pub config: &'a ContainerConfig,
    /// Its image.
    pub image: &'a Image,
    /// Its sandbox.
    pub sandbox: &'a SandboxRecord,
    /// Its cgroup.
    pub cgroup: &'a str,
    /// Who it is and what it may do, as asked for.
    pub security: &'a LinuxContainerSecurityContext,
    /// Its resource limits.
    pub resources: &'a LinuxContainerResources,
}

impl Core {
    /// Makes a container and returns its id.
    pub async fn create_container(self: Arc<Self>, request: CreateContainerRequest) -> Outcome<String> {
        let invalid = |text: &str| RuntimeError::Invalid(text.to_owned());
        let sandbox = self.sandbox(&request.pod_sandbox_id)?;
        if sandbox.stage() != SandboxStage::Ready {
            return Err(RuntimeError::Precondition(format!("sandbox {} is not ready", sandbox.id)));
        }
        let config = request.config.ok_or_else(|| invalid("container config is not set"))?;
        if config.metadata.is_none() {
            return Err(invalid("container config must include metadata"));
        }
        let core = self.clone();
        let made = tokio::task::spawn_blocking(move || core.make_container(&sandbox, config)).await;
        let container = made.map_err(RuntimeError::internal)??;
        self.announce_container(&container, EventKind::ContainerCreatedEvent);
        Ok(container.id.clone())
    }

    fn make_container(&self, sandbox: &Sandbox, config: ContainerConfig) -> Outcome<Arc<Container>> {
        let _layers = self.images.hold_layers()?;
        let name = config.image.as_ref().map(|image| image.image.clone()).unwrap_or_default();
        let image = self.images.find(&name)?.ok_or(ImageError::NotFound(name))?;
        let id = identifier::new();
        let sandbox_record = sandbox.record();
        let cgroup = format!("{}/{id}", sandbox_record.cgroup_parent);
        let linux = config.linux.clone().unwrap_or_default();
        let (security, resources) =
            (linux.security_context.unwrap_or_default(), linux.resources.unwrap_or_default());
        let ingredients = Ingredients {
            id: &id,
            config: &config,
            image: &image,
            sandbox: &sandbox_record,
            cgroup: &cgroup,
            security: &security,
            resources: &resources,
        };
        let spec = self.container_spec(&ingredients, sandbox)?;
        let image_name = image.summary.name_like(asked_image(&config));
        let record = ContainerRecord {
            log_path: spec.log.clone(),
            stop_signal: signals::stop_signal(image.config.defaults().stop_signal.as_deref()),
            image_ref: image.summary.reference_like(&image_name),
            image_name,
            image_id: image.summary.id.clone(),
            layers: image.layers.clone(),
            sandbox: sandbox.id.clone(),
            created_at: now(),
            started_at: 0,
            phase: Phase::Created,
            end: None,
            cgroup,
            resources,
            config,
            spec,
            id: id.clone(),
        };
        let directory = self.layout.container(&id);
        let container = Arc::new(Container::new(record, directory.clone()));
        if let Err(error) = write_container(&container, &directory) {
            // Without a record the folder is swept at the next start at the latest.
            let _ = std::fs::remove_dir_all(&directory);
            return Err(error);
        }
        self.insert_container(container.clone());
        Ok(container)
    }

    fn container_spec(&self, ingredients: &Ingredients<'_>, sandbox: &Sandbox) -> Outcome<ContainerSpec> {
        let &Ingredients { id, config, image, security, .. } = ingredients;
        let process = process::process(&self.layout, ingredients)?;
        let (masked_paths, readonly_paths) = match security.privileged {
            true => (Vec::new(), Vec::new()),
            false => (security.masked_paths.clone(), security.readonly_paths.clone()),
        };
        Ok(ContainerSpec {
            id: id.to_owned(),
            pid: pid_namespace(security),
            root: RootSpec {
                // All names count from the folder of layers, where they are shortest.
                base: self.layout.layers(),
                lower: image.layers.iter().rev().cloned().collect(),
                upper: format!("../containers/{id}/upper"),
                work: format!("../containers/{id}/work"),
                target: format!("../containers/{id}/rootfs"),
                readonly: security.readonly_rootfs,
            },
            mounts: mounts::mounts(&*self.cgroups, ingredients, &sandbox.directory)?,
            devices: devices::nodes(config, security)?,
            masked_paths,
            readonly_paths,
            cgroup: self.cgroups.spec(ingredients.cgroup),
            stdin: match (config.stdin, config.stdin_once) {
                (false, _) => Stdin::Null,
                (true, false) => Stdin::Open,
                (true, true) => Stdin::Once,
            },
            log: log_path(config, &ingredients.sandbox.config.log_directory),
            process: security::confine(&self.layout, process, security)?,
        })
    }
}

fn write_container(container: &Container, directory: &Path) -> Outcome<()> {
    for folder in
        [directory.to_owned(), directory.join("upper"), directory.join("work"), directory.join("rootfs")]
    {
        std::fs::create_dir(&folder).at("create", &folder)?;
    }
    // The root of the container is the upper folder's, whatever this process' umask is.
    let upper = directory.join("upper");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&upper, mode).at("open up", &upper)?;
    container.update(|_| true).map(drop)
}

/// The image's name as the pod has it; the kubelet asks by id.
fn asked_image(config: &ContainerConfig) -> &str {
    let Some(image) = &config.image else { return "" };
    if image.user_specified_image.is_empty() { &image.image } else { &image.user_specified_image }
}

fn pid_namespace(security: &LinuxContainerSecurityContext) -> PidNamespace {
    let Some(options) = &security.namespace_options else { return PidNamespace::Private };
    match options.pid() {
        NamespaceMode::Container => PidNamespace::Private,
        NamespaceMode::Pod => PidNamespace::Pod,
        NamespaceMode::Node => PidNamespace::Host,
        NamespaceMode::Target => PidNamespace::Target(options.target_id.clone()),
    }
}

fn log_path(config: &ContainerConfig, directory: &str) -> Option<PathBuf> {
    let both = !config.log_path.is_empty() && !directory.is_empty();
    both.then(|| PathBuf::from(directory).join(&config.log_path))
}
