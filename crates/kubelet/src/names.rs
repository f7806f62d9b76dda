//! Well-known names: labels and annotations that tie runtime objects to pods, event and waiting reasons.
//!
//! Labels and annotations are upstream's, so that crictl and log shippers find what they expect, and a restarted kubelet
//! adopts what runs.

/// Label: name of the pod.
pub const POD_NAME: &str = "io.kubernetes.pod.name";
/// Label: namespace of the pod.
pub const POD_NAMESPACE: &str = "io.kubernetes.pod.namespace";
/// Label: UID of the pod.
pub const POD_UID: &str = "io.kubernetes.pod.uid";
/// Label: name of the container.
pub const CONTAINER_NAME: &str = "io.kubernetes.container.name";

/// Annotation: hash of what a running container was made from; a different one asks for a new container.
pub const CONTAINER_HASH: &str = "io.kubernetes.container.hash";
/// Annotation: how often the container was restarted before.
pub const RESTART_COUNT: &str = "io.kubernetes.container.restartCount";
/// Annotation: path of the termination message inside the container.
pub const TERMINATION_MESSAGE_PATH: &str = "io.kubernetes.container.terminationMessagePath";
/// Annotation: `File` or `FallbackToLogsOnError`.
pub const TERMINATION_MESSAGE_POLICY: &str = "io.kubernetes.container.terminationMessagePolicy";
/// Annotation: file of the host that holds the termination message. Ours; upstream finds it among the mounts.
pub const TERMINATION_MESSAGE_FILE: &str = "skiff.io/termination-message-file";
/// Annotation: the pod's grace period, for a kubelet that lost the pod.
pub const GRACE_PERIOD: &str = "io.kubernetes.pod.terminationGracePeriod";
/// Annotation: where the pod's configuration came from.
pub const CONFIG_SOURCE: &str = "kubernetes.io/config.source";
/// Annotation: when the pod was first seen.
pub const CONFIG_SEEN: &str = "kubernetes.io/config.seen";

/// Scheme of container ids in a pod's status.
pub const CONTAINER_ID_SCHEME: &str = "skiff://";

/// Reasons of events and of waiting containers, in upstream's words.
#[allow(missing_docs, reason = "the names are the reasons")]
pub mod reason {
    pub const BACK_OFF: &str = "BackOff";
    pub const CONTAINER_CREATING: &str = "ContainerCreating";
    pub const CRASH_LOOP_BACK_OFF: &str = "CrashLoopBackOff";
    pub const CREATED: &str = "Created";
    pub const CREATE_CONTAINER_CONFIG_ERROR: &str = "CreateContainerConfigError";
    pub const CREATE_CONTAINER_ERROR: &str = "CreateContainerError";
    pub const ERR_IMAGE_NEVER_PULL: &str = "ErrImageNeverPull";
    pub const ERR_IMAGE_PULL: &str = "ErrImagePull";
    pub const FAILED: &str = "Failed";
    pub const FAILED_CREATE_POD_SANDBOX: &str = "FailedCreatePodSandBox";
    pub const FAILED_KILL_POD: &str = "FailedKillPod";
    pub const FAILED_MOUNT: &str = "FailedMount";
    pub const FAILED_POST_START_HOOK: &str = "FailedPostStartHook";
    pub const FAILED_PRE_STOP_HOOK: &str = "FailedPreStopHook";
    pub const IMAGE_INSPECT_ERROR: &str = "ImageInspectError";
    pub const IMAGE_PULL_BACK_OFF: &str = "ImagePullBackOff";
    pub const INSPECT_FAILED: &str = "InspectFailed";
    pub const INVALID_IMAGE_NAME: &str = "InvalidImageName";
    pub const KILLING: &str = "Killing";
    pub const NETWORK_NOT_READY: &str = "NetworkNotReady";
    pub const POD_INITIALIZING: &str = "PodInitializing";
    pub const POST_START_HOOK_ERROR: &str = "PostStartHookError";
    pub const PULLED: &str = "Pulled";
    pub const PULLING: &str = "Pulling";
    pub const RUN_CONTAINER_ERROR: &str = "RunContainerError";
    pub const SANDBOX_CHANGED: &str = "SandboxChanged";
    pub const STARTED: &str = "Started";
    pub const UNHEALTHY: &str = "Unhealthy";
}
