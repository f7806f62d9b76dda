//! What a sandbox, a container and a process are made of, as plain instructions.
//!
//! The runtime resolves images, users, profiles and cgroups before it writes a spec; the shim carries it out step by step.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A pod sandbox: written to `shim.json` in the sandbox's directory before the shim starts there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SandboxSpec {
    /// The protocol version of who wrote it.
    pub version: u32,
    /// The sandbox's id.
    pub id: String,
    /// Host name; `None` leaves the host's UTS namespace.
    pub hostname: Option<String>,
    /// Where the network namespace comes from.
    pub network: NamespaceSource,
    /// Where the IPC namespace comes from.
    pub ipc: NamespaceSource,
    /// A PID namespace shared by the pod's containers is wanted.
    pub shared_pid: bool,
    /// Kernel parameters, name (`net.ipv4.ip_forward`) and value.
    pub sysctls: Vec<(String, String)>,
    /// The shim's cgroup.
    pub cgroup: CgroupSpec,
    /// Size of the pod's /dev/shm in bytes.
    pub shm_size: u64,
}

/// Where a namespace comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NamespaceSource {
    /// A new one for the pod.
    Pod,
    /// The host's.
    Host,
}

/// A container.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ContainerSpec {
    /// The container's id.
    pub id: String,
    /// Which PID namespace it lives in.
    pub pid: PidNamespace,
    /// Its root file system.
    pub root: RootSpec,
    /// Mounts in the order to make them.
    pub mounts: Vec<MountSpec>,
    /// Device nodes to make below /dev.
    pub devices: Vec<DeviceSpec>,
    /// Paths to hide.
    pub masked_paths: Vec<String>,
    /// Paths to make read-only.
    pub readonly_paths: Vec<String>,
    /// Its cgroups.
    pub cgroup: CgroupSpec,
    /// Its main process.
    pub process: ProcessSpec,
    /// What its standard input is.
    pub stdin: Stdin,
    /// Log file; `None` discards the output.
    pub log: Option<PathBuf>,
}

/// The PID namespace of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PidNamespace {
    /// One of its own.
    Private,
    /// The pod's, held by the pause process.
    Pod,
    /// The host's.
    Host,
    /// That of another container of the pod.
    Target(String),
}

/// An overlay of layers. Relative paths count from `base`, which keeps the mount options short.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RootSpec {
    /// Working directory while mounting.
    pub base: PathBuf,
    /// Layers, topmost first.
    pub lower: Vec<String>,
    /// The writable layer.
    pub upper: String,
    /// overlayfs' work directory.
    pub work: String,
    /// The mount point.
    pub target: String,
    /// Mount the root read-only once everything is in place.
    pub readonly: bool,
}

/// One mount.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MountSpec {
    /// Path in the container.
    pub target: String,
    /// What to mount.
    pub what: MountSource,
}

/// What to mount.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MountSource {
    /// A file or directory of the host.
    Bind {
        /// Its path.
        source: PathBuf,
        /// May the container write.
        access: Access,
        /// Which way later mounts travel.
        propagation: Propagation,
    },
    /// A file system.
    Filesystem {
        /// Its type, also used as its source.
        kind: String,
        /// Options that are not flags.
        data: String,
        /// Mount flags by their option names (`nosuid`, `ro`, ...).
        flags: Vec<String>,
    },
    /// The pod's /dev/shm.
    SharedMemory,
}

/// What a container may do on a bind mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Read and write.
    ReadWrite,
    /// Read; mounts below keep what they allow.
    ReadOnly,
    /// Read, on mounts below too.
    RecursiveReadOnly,
}

/// Which way mounts made later travel through a bind mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Propagation {
    /// Neither way.
    Private,
    /// From the host into the container.
    HostToContainer,
    /// Both ways.
    Bidirectional,
}

/// A device node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeviceSpec {
    /// Path in the container.
    pub path: String,
    /// Character or block.
    pub kind: DeviceKind,
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// Kind of a device node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// Character device.
    Character,
    /// Block device.
    Block,
}

/// A cgroup, made by the runtime.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CgroupSpec {
    /// Version 2: the directory that a process is forked into.
    pub into: Option<PathBuf>,
    /// Version 1: the `tasks` files that a process with one thread joins. Unlike `cgroup.procs` this needs no lock over all processes of the machine,
    /// which can take the kernel 20 ms.
    pub tasks: Vec<PathBuf>,
    /// The `cgroup.procs` file that lists the members.
    pub members: PathBuf,
    /// The file whose `oom_kill` line counts kills for lack of memory.
    pub oom: Option<PathBuf>,
    /// Enter a cgroup namespace after joining (cgroup v2).
    pub namespace: bool,
}

/// A process to run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProcessSpec {
    /// Program and arguments.
    pub args: Vec<String>,
    /// Environment, `NAME=value` each.
    pub env: Vec<String>,
    /// Working directory; made if it is missing.
    pub cwd: String,
    /// Who it runs as.
    pub user: UserSpec,
    /// What it may do.
    pub capabilities: CapabilitySpec,
    /// Set no_new_privs.
    pub no_new_privs: bool,
    /// A file with the seccomp program, an array of `struct sock_filter`; `None` for unconfined.
    pub seccomp: Option<PathBuf>,
    /// How early the kernel kills it for lack of memory.
    pub oom_score_adj: i32,
    /// Give it a terminal.
    pub terminal: bool,
}

/// Numeric identity of a process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserSpec {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
}

/// Capability sets as bit masks. What the shim itself does not hold is left out when they are set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapabilitySpec {
    /// Bounding, permitted and effective.
    pub bounding: u64,
    /// Inheritable and ambient: kept by a program that is not root.
    pub ambient: u64,
}

/// Standard input of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stdin {
    /// Nothing to read.
    Null,
    /// Open until the container ends.
    Open,
    /// Closed when the first who attached closes it.
    Once,
}

/// A command to run in a container.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExecSpec {
    /// The container.
    pub container: String,
    /// The process.
    pub process: ProcessSpec,
    /// Which descriptors came with the request.
    pub streams: Streams,
}

/// Which streams' descriptors come with a request, in this order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streams {
    /// Where to read input.
    pub stdin: bool,
    /// Where to write output.
    pub stdout: bool,
    /// Where to write error output.
    pub stderr: bool,
}

impl Streams {
    /// How many descriptors.
    pub fn count(self) -> usize {
        usize::from(self.stdin) + usize::from(self.stdout) + usize::from(self.stderr)
    }
}
