//! Starts a container: image, configuration, creation, start, postStart hook.

use super::super::{Agent, PodContext};
use super::{hooks, images, sandbox};
use crate::names::{CONTAINER_NAME, POD_UID, RESTART_COUNT, reason};
use crate::objects::Reference;
use crate::pod::container_config::{ContainerContext, container_config};
use crate::pod::environment::{self, EnvContext, EnvSources, Environment};
use crate::pod::field_ref::Addresses;
use crate::pod::mounts::{self, ManagedFiles};
use crate::pod::{ContainerView, PodView, hosts, security, service_links};
use crate::volumes::subpath;
use crate::worker::Failure;
use skiff_apimachinery::Document;
use skiff_client::events::EventType;
use skiff_cri::v1::{ContainerConfig, ContainerFilter, CreateContainerRequest, ImageSpec};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

/// Which container to start.
#[derive(Debug, Clone, Copy)]
pub struct StartOrder<'a> {
    /// Its name.
    pub name: &'a str,
    /// The sandbox to start it in.
    pub sandbox: &'a str,
    /// How often it was restarted before.
    pub restart_count: u32,
    /// Whether a missing image may be pulled now.
    pub may_pull: bool,
}

/// Starts a container.
///
/// # Errors
/// The reason and message of the container's waiting state; told as events before.
pub async fn start(
    context: &PodContext,
    pod: &PodView,
    order: StartOrder<'_>,
    addresses: Addresses,
) -> Result<(), Failure> {
    let agent = &context.agent;
    let Some(container) = pod.container(order.name) else {
        return Err(Failure::new(reason::CREATE_CONTAINER_ERROR, "container is not in the pod's spec"));
    };
    let warn = |reason: &str, text: &str| agent.tell(pod, order.name, EventType::Warning, reason, text);
    let failed = |reason: &'static str| {
        move |message: String| {
            warn(self::reason::FAILED, &format!("Error: {message}"));
            Failure::new(reason, message)
        }
    };
    let image = images::ensure(context, pod, container, order.may_pull).await?;
    let config = configure(context, pod, container, order, &addresses, image)
        .await
        .map_err(failed(reason::CREATE_CONTAINER_CONFIG_ERROR))?;
    remove_unstarted(agent, pod, order).await;
    let request = CreateContainerRequest {
        pod_sandbox_id: order.sandbox.to_owned(),
        config: Some(config),
        sandbox_config: Some(sandbox::config(agent, pod, 0)),
    };
    let id = agent
        .runtime
        .create_container(request)
        .await
        .map_err(|error| failed(reason::CREATE_CONTAINER_ERROR)(error.message))?;
    agent.tell(
        pod,
        order.name,
        EventType::Normal,
        reason::CREATED,
        format!("Created container: {}", order.name),
    );
    if let Err(error) = agent.runtime.start_container(id.clone()).await {
        return Err(failed(reason::RUN_CONTAINER_ERROR)(error.message));
    }
    agent.tell(
        pod,
        order.name,
        EventType::Normal,
        reason::STARTED,
        format!("Started container {}", order.name),
    );
    link_log(agent, pod, order, &id);
    remove_old(agent, pod, order).await;
    let hook = container.spec.lifecycle.as_ref().and_then(|lifecycle| lifecycle.post_start.as_ref());
    let Some(hook) = hook else { return Ok(()) };
    let Err(error) = hooks::run(agent, pod, container, &id, hook, &addresses).await else { return Ok(()) };
    warn(reason::FAILED_POST_START_HOOK, "PostStartHook failed");
    tracing::debug!(pod = pod.full_name(), container = order.name, error, "postStart hook failed");
    if let Err(error) = agent.runtime.stop_container(id, pod.grace_period().max(1)).await {
        warn(reason::FAILED_KILL_POD, &error.message);
    }
    Err(Failure::new(reason::POST_START_HOOK_ERROR, "PostStartHookError"))
}

/// Makes the container's configuration and the files that it mounts. Errors are texts of CreateContainerConfigError.
async fn configure(
    context: &PodContext,
    pod: &PodView,
    container: ContainerView<'_>,
    order: StartOrder<'_>,
    addresses: &Addresses,
    image: images::Ensured,
) -> Result<ContainerConfig, String> {
    let agent = &context.agent;
    let environment = environment(context, pod, container, addresses).await?;
    security::verify_non_root(pod, container, &image.user)?;
    let volumes = context.volumes();
    let pod_dir = agent.pod_dir(pod);
    let mut resolved = BTreeMap::new();
    for sub_path in mounts::sub_paths(container.spec, &volumes, &environment)? {
        let target = pod_dir
            .join("volume-subpaths")
            .join(&container.spec.name)
            .join(format!("{}-{}", sub_path.index, order.restart_count));
        let bound = subpath::bind(&sub_path, &target)
            .map_err(|error| format!("failed to prepare subPath for volumeMount: {error}"))?;
        resolved.insert(sub_path.index, bound);
    }
    let files = managed_files(agent, pod, container, order, addresses)
        .map_err(|error| format!("failed to prepare container files: {error}"))?;
    let mounts = mounts::mounts(pod, container.spec, &volumes, &resolved, &files)?;
    let context = ContainerContext {
        restart_count: order.restart_count,
        image_ref: image.reference,
        image_user: image.user,
        environment: &environment,
        mounts,
        termination_message: files.termination_message,
        target_id: target(context, pod, container).await,
        memory_capacity: agent.machine.memory,
        security: agent.security(),
    };
    Ok(container_config(pod, container, context))
}

/// Objects that an environment refers to, fetched.
struct Fetched(BTreeMap<Reference, Arc<Document>>);

impl EnvSources for Fetched {
    fn config_map(&self, name: &str) -> Option<Arc<Document>> {
        self.0.get(&Reference::config_map(name)).cloned()
    }
    fn secret(&self, name: &str) -> Option<Arc<Document>> {
        self.0.get(&Reference::secret(name)).cloned()
    }
}

async fn environment(
    context: &PodContext,
    pod: &PodView,
    container: ContainerView<'_>,
    addresses: &Addresses,
) -> Result<Environment, String> {
    let agent = &context.agent;
    let (maps, secrets) = environment::references(container.spec);
    let mut references: Vec<Reference> = maps.into_iter().map(Reference::config_map).collect();
    references.extend(secrets.into_iter().map(Reference::secret));
    let fetched = Fetched(context.objects.get_all(references).await?);
    let env =
        EnvContext { pod, addresses, allocatable: agent.allocatable(), services: services(agent, pod).await };
    environment::environment(&env, container.spec, &fetched)
}

/// Variables of the services of the pod's namespace, and always of the API server's.
async fn services(agent: &Agent, pod: &PodView) -> Vec<(String, String)> {
    agent.services.synced().await;
    let links = pod.spec().enable_service_links.unwrap_or(true);
    let mut seen: BTreeMap<String, skiff_client::Object> = BTreeMap::new();
    if let Some(master) = agent.services.get("default", "kubernetes") {
        seen.insert("kubernetes".into(), master.object.clone());
    }
    if links {
        for service in agent.services.list_namespace(pod.namespace()) {
            seen.insert(service.name().to_owned(), service.object.clone());
        }
    }
    service_links::variables(seen.values().map(Arc::as_ref))
}

fn managed_files(
    agent: &Agent,
    pod: &PodView,
    container: ContainerView<'_>,
    order: StartOrder<'_>,
    addresses: &Addresses,
) -> io::Result<ManagedFiles> {
    let pod_dir = agent.pod_dir(pod);
    let hosts = if mounts::mounts_path(container.spec, "/etc/hosts") {
        None
    } else {
        let (hostname, domain) =
            hosts::hostname_and_domain(pod, &agent.machine.hostname, &agent.dns.cluster_domain);
        let of_node = if pod.host_network() { std::fs::read_to_string("/etc/hosts")? } else { String::new() };
        let text = hosts::hosts_file(pod, &addresses.pod, &hostname, &domain, &of_node);
        let path = pod_dir.join("etc-hosts");
        // Written in place: containers that run have this very file mounted.
        if std::fs::read_to_string(&path).ok().as_deref() != Some(text.as_str()) {
            std::fs::write(&path, text)?;
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644))?;
        Some(path)
    };
    Ok(ManagedFiles { hosts, termination_message: Some(message_file(&pod_dir, container, order)?) })
}

fn message_file(
    pod_dir: &std::path::Path,
    container: ContainerView<'_>,
    order: StartOrder<'_>,
) -> io::Result<PathBuf> {
    let dir = pod_dir.join("containers").join(&container.spec.name);
    std::fs::create_dir_all(&dir)?;
    let path = dir.join(order.restart_count.to_string());
    std::fs::write(&path, "")?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666))?;
    Ok(path)
}

/// The container whose processes a debugging container asked to see.
async fn target(context: &PodContext, pod: &PodView, container: ContainerView<'_>) -> Option<String> {
    let wanted = pod
        .object()
        .array_at(&["spec", "ephemeralContainers"])
        .iter()
        .find(|c| c.str_at(&["name"]) == container.spec.name)
        .map(|c| c.str_at(&["targetContainerName"]).to_owned())
        .filter(|name| !name.is_empty())?;
    let runtime = super::super::observe::observe(&context.agent, pod.uid()).await.ok()?;
    runtime.latest(&wanted).filter(|record| record.is_running()).map(|record| record.id.clone())
}

fn filter(pod: &PodView, container: &str) -> ContainerFilter {
    ContainerFilter {
        label_selector: HashMap::from([
            (POD_UID.to_owned(), pod.uid().to_owned()),
            (CONTAINER_NAME.to_owned(), container.to_owned()),
        ]),
        ..ContainerFilter::default()
    }
}

fn attempt(container: &skiff_cri::v1::Container) -> u32 {
    let annotated = container.annotations.get(RESTART_COUNT).and_then(|count| count.parse().ok());
    annotated.or(container.metadata.as_ref().map(|metadata| metadata.attempt)).unwrap_or(0)
}

/// Removes what an interrupted start under the same number left.
async fn remove_unstarted(agent: &Agent, pod: &PodView, order: StartOrder<'_>) {
    let listed = agent.runtime.list_containers(filter(pod, order.name)).await.unwrap_or_default();
    for container in listed.iter().filter(|container| attempt(container) == order.restart_count) {
        if let Err(error) = agent.runtime.remove_container(container.id.clone()).await {
            tracing::warn!(id = container.id, %error, "cannot remove unstarted container");
        }
    }
}

/// Keeps the new container and the one before it; older ones go with their logs.
async fn remove_old(agent: &Agent, pod: &PodView, order: StartOrder<'_>) {
    let listed = agent.runtime.list_containers(filter(pod, order.name)).await.unwrap_or_default();
    for container in listed.iter().filter(|container| attempt(container) + 1 < order.restart_count) {
        let number = attempt(container);
        if let Err(error) = agent.runtime.remove_container(container.id.clone()).await {
            tracing::warn!(id = container.id, %error, "cannot remove old container");
            continue;
        }
        let dir = agent.log_dir(pod).join(order.name);
        crate::logs::rotate::remove_files(&dir, number);
        let _ = std::fs::remove_file(
            agent.pod_dir(pod).join("containers").join(order.name).join(number.to_string()),
        );
        unlink_log(agent, pod, order.name, &container.id);
    }
}

fn log_link(agent: &Agent, pod: &PodView, container: &str, id: &str) -> Option<PathBuf> {
    let dir = agent.config.container_logs_dir.as_ref()?;
    Some(dir.join(format!("{}_{}_{container}-{id}.log", pod.name(), pod.namespace())))
}

/// Makes the link that log shippers look for.
fn link_log(agent: &Agent, pod: &PodView, order: StartOrder<'_>, id: &str) {
    let Some(link) = log_link(agent, pod, order.name, id) else { return };
    let log = agent.log_dir(pod).join(order.name).join(format!("{}.log", order.restart_count));
    let made = link.parent().map_or(Ok(()), std::fs::create_dir_all);
    if let Err(error) = made.and_then(|()| std::os::unix::fs::symlink(log, &link)) {
        tracing::debug!(link = %link.display(), %error, "cannot link container log");
    }
}

/// Removes a container's link.
fn unlink_log(agent: &Agent, pod: &PodView, container: &str, id: &str) {
    if let Some(link) = log_link(agent, pod, container, id) {
        let _ = std::fs::remove_file(link);
    }
}

/// The image as CRI names it.
pub fn image_spec(image: &str) -> ImageSpec {
    ImageSpec { image: image.to_owned(), user_specified_image: image.to_owned(), ..ImageSpec::default() }
}
