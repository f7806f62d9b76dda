//! Container Runtime Interface v1: the trait that the kubelet drives and the embedded runtime implements.
//!
//! Place in the data's way: between `kubelet` and a container runtime. Messages are CRI's own (`k8s_cri::v1`), so that
//! a gRPC client (containerd, CRI-O) and a gRPC server can be put on either side without a conversion.
//!
//! Invariants:
//! - calls are idempotent where CRI says so (stopping or removing what is gone succeeds);
//! - a dropped future does not leave half a sandbox or container unaccounted: the next list shows it.

pub mod network;
pub mod streams;

pub use k8s_cri::v1;

use futures::future::BoxFuture;

/// Why a runtime call failed; the codes are gRPC's, the texts go into events and container statuses.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct CriError {
    /// What kind of failure.
    pub code: Code,
    /// Text for people.
    pub message: String,
}

/// gRPC status codes that matter to a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are gRPC's")]
pub enum Code {
    NotFound,
    AlreadyExists,
    InvalidArgument,
    FailedPrecondition,
    DeadlineExceeded,
    Unauthenticated,
    Unavailable,
    Unimplemented,
    Internal,
}

impl CriError {
    /// From its parts.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// 404 of containers, sandboxes, images.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, message)
    }

    /// Anything unexpected.
    pub fn internal(message: impl std::fmt::Display) -> Self {
        Self::new(Code::Internal, message.to_string())
    }
}

/// Result of a runtime call.
pub type CriResult<T> = Result<T, CriError>;

/// CRI v1 RuntimeService and ImageService, as far as the kubelet uses them, with the streams of an embedded runtime.
pub trait Runtime: Send + Sync + 'static {
    /// Name and version of the runtime.
    fn version(&self) -> BoxFuture<'_, CriResult<v1::VersionResponse>>;
    /// Conditions RuntimeReady and NetworkReady, and the runtime handlers.
    fn status(&self) -> BoxFuture<'_, CriResult<v1::StatusResponse>>;
    /// Tells the runtime the node's pod CIDRs (comma-separated for dual stack).
    fn update_runtime_config(&self, config: v1::RuntimeConfig) -> BoxFuture<'_, CriResult<()>>;

    /// Creates and starts a sandbox with its network; returns its id.
    fn run_pod_sandbox(&self, request: v1::RunPodSandboxRequest) -> BoxFuture<'_, CriResult<String>>;
    /// Stops containers and network of a sandbox. Gone is success.
    fn stop_pod_sandbox(&self, id: String) -> BoxFuture<'_, CriResult<()>>;
    /// Removes a sandbox and its containers. Gone is success.
    fn remove_pod_sandbox(&self, id: String) -> BoxFuture<'_, CriResult<()>>;
    /// State, addresses and labels of a sandbox.
    fn pod_sandbox_status(&self, id: String) -> BoxFuture<'_, CriResult<v1::PodSandboxStatus>>;
    /// Sandboxes that match.
    fn list_pod_sandbox(&self, filter: v1::PodSandboxFilter)
    -> BoxFuture<'_, CriResult<Vec<v1::PodSandbox>>>;

    /// Creates a container in a sandbox; returns its id.
    fn create_container(&self, request: v1::CreateContainerRequest) -> BoxFuture<'_, CriResult<String>>;
    /// Starts a created container.
    fn start_container(&self, id: String) -> BoxFuture<'_, CriResult<()>>;
    /// Stops with the stop signal, then SIGKILL after `timeout_seconds`. Gone is success.
    fn stop_container(&self, id: String, timeout_seconds: i64) -> BoxFuture<'_, CriResult<()>>;
    /// Removes a container, killed if it runs; its log file stays. Gone is success.
    fn remove_container(&self, id: String) -> BoxFuture<'_, CriResult<()>>;
    /// Containers that match.
    fn list_containers(&self, filter: v1::ContainerFilter) -> BoxFuture<'_, CriResult<Vec<v1::Container>>>;
    /// State, exit code, reason, mounts of a container.
    fn container_status(&self, id: String) -> BoxFuture<'_, CriResult<v1::ContainerStatus>>;
    /// Changes resource limits of a running container.
    fn update_container_resources(
        &self,
        request: v1::UpdateContainerResourcesRequest,
    ) -> BoxFuture<'_, CriResult<()>>;
    /// Reopens the log file after it was rotated away.
    fn reopen_container_log(&self, id: String) -> BoxFuture<'_, CriResult<()>>;
    /// Runs a command in a container and collects its output (probes, hooks); `timeout_seconds` 0 is for ever.
    fn exec_sync(&self, request: v1::ExecSyncRequest) -> BoxFuture<'_, CriResult<v1::ExecSyncResponse>>;
    /// CPU and memory use of a container.
    fn container_stats(&self, id: String) -> BoxFuture<'_, CriResult<v1::ContainerStats>>;
    /// Use of all sandboxes with their containers.
    fn list_pod_sandbox_stats(&self) -> BoxFuture<'_, CriResult<Vec<v1::PodSandboxStats>>>;
    /// Container started, stopped, created, deleted, as it happens; each receiver sees all events from now on.
    fn container_events(&self) -> tokio::sync::broadcast::Receiver<v1::ContainerEventResponse>;

    /// Images on this machine.
    fn list_images(&self) -> BoxFuture<'_, CriResult<Vec<v1::Image>>>;
    /// One image by reference or id; `None` if it is not here.
    fn image_status(&self, image: v1::ImageSpec) -> BoxFuture<'_, CriResult<Option<v1::Image>>>;
    /// Pulls an image; returns its reference by digest or its id.
    fn pull_image(&self, request: v1::PullImageRequest) -> BoxFuture<'_, CriResult<String>>;
    /// Removes an image. Gone is success.
    fn remove_image(&self, image: v1::ImageSpec) -> BoxFuture<'_, CriResult<()>>;
    /// Disk use of the image store.
    fn image_fs_info(&self) -> BoxFuture<'_, CriResult<v1::ImageFsInfoResponse>>;

    /// Starts a command in a container with live streams.
    fn exec(&self, request: v1::ExecRequest) -> BoxFuture<'_, CriResult<streams::Session>>;
    /// Connects to the streams of a container's main process.
    fn attach(&self, request: v1::AttachRequest) -> BoxFuture<'_, CriResult<streams::Session>>;
    /// Connects to a TCP port inside a sandbox.
    fn port_forward(&self, sandbox_id: String, port: u16) -> BoxFuture<'_, CriResult<streams::Duplex>>;
}
