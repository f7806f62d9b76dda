//! What runtime and shim say to each other.
//!
//! A connection carries frames (`frame`): one [`Request`] at a time from the runtime, answered by one or more [`Answer`]s. `Watch`, `Exec` and
//! `Attach` take the connection over until it closes; closing it ends the watch, kills the exec'd command, or detaches.

pub mod descriptors;
pub mod frame;
pub mod spec;

use serde::{Deserialize, Serialize};
use spec::{ContainerSpec, ExecSpec};

/// The version that this build speaks. Raise it when an old peer would misunderstand.
pub const VERSION: u32 = 1;

/// The socket's name in the sandbox's directory.
pub const SOCKET: &str = "shim.sock";
/// The sandbox spec's name in the sandbox's directory.
pub const SPEC: &str = "shim.json";
/// The folder of exit records in the sandbox's directory.
pub const EXITS: &str = "exits";

/// One request with the version of who sends it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    /// The sender's protocol version.
    pub version: u32,
    /// What is asked.
    pub call: Call,
}

impl Request {
    /// A request of this build's version.
    pub fn new(call: Call) -> Self {
        Self { version: VERSION, call }
    }
}

/// What the runtime asks for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// Who are you. Answered `Hello` by every version there will ever be.
    Hello,
    /// All containers now (`Containers`), then each start (`Running`) and end (`Exited`) as it happens.
    Watch,
    /// Starts a container: `Started` once its program runs.
    Start(Box<ContainerSpec>),
    /// Sends a signal: `Done`.
    Signal {
        /// The container.
        container: String,
        /// The signal's number.
        signal: i32,
        /// Who gets it.
        target: SignalTarget,
    },
    /// Runs a command in a container: `Started`, later `Ended`. Its streams come as descriptors with the request, in the order of
    /// [`spec::Streams`]; with a terminal the master's descriptor comes with the answer instead.
    Exec(Box<ExecSpec>),
    /// Connects descriptors, in the order of [`spec::Streams`], to a container's streams: `Done`, later `Ended`.
    Attach {
        /// The container.
        container: String,
        /// Which descriptors came with the request.
        streams: spec::Streams,
    },
    /// Sets the terminal's size; only on a connection that attached. Not answered.
    Resize {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// Opens the log file anew after it was rotated away: `Done`.
    ReopenLog {
        /// The container.
        container: String,
    },
    /// A TCP socket made in the pod's network namespace: `Done` with one descriptor.
    Socket {
        /// IP version.
        family: Family,
    },
    /// Forgets an ended container and its exit record: `Done`.
    Forget {
        /// The container.
        container: String,
    },
    /// Kills what runs, keeps the exit records, and ends the shim: `Done` as its last word.
    Shutdown,
}

/// Who gets a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalTarget {
    /// The container's main process.
    Main,
    /// Every process of the container.
    All,
}

/// IP version of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// What the shim says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Who the shim is.
    Hello {
        /// Its protocol version.
        version: u32,
        /// Its process id in its own PID namespace.
        pid: i32,
    },
    /// The request is done.
    Done,
    /// A process runs.
    Started {
        /// Its process id in the shim's PID namespace.
        pid: i32,
        /// When, in nanoseconds since the epoch.
        at: i64,
    },
    /// All containers that the shim knows of, the first word of a watch.
    Containers(Vec<ContainerReport>),
    /// A container's program runs.
    Running(ContainerReport),
    /// A container's main process has ended.
    Exited(ExitRecord),
    /// The exec'd command, or the container attached to, has ended with this code.
    Ended(i32),
    /// The request failed.
    Failed(Failure),
}

/// A container as the shim knows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ContainerReport {
    /// The container.
    pub id: String,
    /// Its main process.
    pub pid: i32,
    /// When it started, in nanoseconds since the epoch.
    pub started_at: i64,
    /// How it ended, once it has.
    pub exit: Option<ExitRecord>,
}

/// How a container's main process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitRecord {
    /// The container.
    pub id: String,
    /// Exit status; 128 + signal number if a signal ended it.
    pub code: i32,
    /// The kernel killed a process of it for lack of memory.
    pub oom_killed: bool,
    /// When it started, in nanoseconds since the epoch.
    pub started_at: i64,
    /// When it ended, in nanoseconds since the epoch.
    pub finished_at: i64,
}

/// Why a request failed.
#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// Text for people.
    pub message: String,
}

impl Failure {
    /// From its parts.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// Kinds of failure that a caller tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// No such container.
    NotFound,
    /// The container is not in a state for it.
    Precondition,
    /// The process could not be set up or its program not be run.
    Start,
    /// The peer's protocol version is not spoken.
    Version,
    /// The request makes no sense.
    Invalid,
    /// Anything unexpected.
    Internal,
}
