//! Makes the pod's namespaces around the shim itself, so that they live exactly as long as it does and containers inherit them.
//!
//! Input is the spec file in the sandbox's directory, which is also the working directory. Network, IPC and UTS namespaces are the shim's own.
//! The pod's /dev/shm is the root of a mount namespace that nobody lives in: nothing of a pod is ever mounted where the host sees it.

use crate::fault::{Doing, Fault, Outcome};
use crate::{pause, sys};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{MountFlags, MountPropagationFlags, OpenTreeFlags, UnmountFlags};
use rustix::process::Pid;
use rustix::thread::{LinkNameSpaceType, ThreadNameSpaceType, UnshareFlags};
use skiff_shim::protocol::spec::{CgroupSpec, NamespaceSource, SandboxSpec};
use skiff_shim::protocol::{self, EXITS};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// The pod's namespaces.
pub struct Sandbox {
    /// What it was made from.
    pub spec: SandboxSpec,
    directory: OwnedFd,
    host_mounts: OwnedFd,
    own_pids: OwnedFd,
    shared_memory: Option<OwnedFd>,
    pause: Option<OwnedFd>,
}

impl Sandbox {
    /// Enters the namespaces that the spec in the working directory asks for.
    pub fn enter() -> Outcome<Self> {
        let spec = read_spec()?;
        enter_cgroup(&spec.cgroup)?;
        std::fs::create_dir_all(EXITS).doing("create the folder of exit records")?;
        let mut sandbox = Self {
            directory: open_directory(Path::new("."))?,
            host_mounts: open_namespace("mnt")?,
            own_pids: open_namespace("pid")?,
            shared_memory: None,
            pause: None,
            spec,
        };
        sandbox.make_namespaces()?;
        if sandbox.spec.ipc == NamespaceSource::Pod {
            sandbox.shared_memory = Some(sandbox.make_shared_memory()?);
        }
        if sandbox.spec.shared_pid {
            sandbox.pause = Some(sandbox.start_pause()?);
        }
        Ok(sandbox)
    }

    /// A detached copy of the pod's /dev/shm. Leaves the caller, a forked process, in the host's mount namespace.
    pub fn shared_memory(&self) -> Outcome<OwnedFd> {
        let tree = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        let Some(namespace) = &self.shared_memory else {
            return rustix::mount::open_tree(CWD, "/dev/shm", tree | OpenTreeFlags::AT_RECURSIVE)
                .doing("open the host's /dev/shm");
        };
        enter_mounts(namespace)?;
        let shared = rustix::mount::open_tree(CWD, "/", tree).doing("open the pod's /dev/shm")?;
        self.return_to_host_mounts()?;
        Ok(shared)
    }

    /// A handle on the process that holds the pod's PID namespace.
    pub fn pod_pids(&self) -> Outcome<&OwnedFd> {
        self.pause.as_ref().ok_or_else(|| Fault::new("the pod has no shared PID namespace"))
    }

    /// Forks with children placed in the PID namespace of the process that `member` is a handle on.
    pub fn fork_into(&self, member: &OwnedFd, cgroup: &CgroupSpec) -> Outcome<sys::Forked> {
        let directory = open_cgroup(cgroup)?;
        rustix::thread::move_into_thread_name_spaces(member.as_fd(), ThreadNameSpaceType::PROCESS_ID)
            .doing("enter the PID namespace")?;
        let forked = sys::fork(sys::CloneFlags::INHERIT, directory.as_ref()).doing("fork");
        let back = rustix::thread::move_into_link_name_space(
            self.own_pids.as_fd(),
            Some(LinkNameSpaceType::ProcessID),
        );
        match (forked, back) {
            (Ok(sys::Forked::Child), _) => Ok(sys::Forked::Child),
            (forked, back) => {
                back.doing("leave the PID namespace")?;
                forked
            }
        }
    }

    fn return_to_host_mounts(&self) -> Outcome<()> {
        enter_mounts(&self.host_mounts)?;
        rustix::process::fchdir(&self.directory).doing("return to the sandbox's directory")
    }

    fn make_namespaces(&self) -> Outcome<()> {
        let spec = &self.spec;
        let mut flags = UnshareFlags::empty();
        flags.set(UnshareFlags::NEWNET, spec.network == NamespaceSource::Pod);
        flags.set(UnshareFlags::NEWIPC, spec.ipc == NamespaceSource::Pod);
        flags.set(UnshareFlags::NEWUTS, spec.hostname.is_some());
        sys::unshare(flags).doing("create the pod's namespaces")?;
        if let Some(name) = &spec.hostname {
            rustix::system::sethostname(name.as_bytes()).doing(format_args!("set hostname {name}"))?;
        }
        if spec.network == NamespaceSource::Pod {
            sys::raise_loopback().doing("bring the loopback interface up")?;
        }
        for (name, value) in &spec.sysctls {
            let path = format!("/proc/sys/{}", name.replace('.', "/"));
            std::fs::write(&path, value).doing(format_args!("write sysctl {name}"))?;
        }
        Ok(())
    }

    fn make_shared_memory(&self) -> Outcome<OwnedFd> {
        sys::unshare(UnshareFlags::NEWNS).doing("create the mount namespace of /dev/shm")?;
        let namespace = open_namespace("mnt")?;
        become_root("shm", &format!("mode=1777,size={}", self.spec.shm_size))?;
        self.return_to_host_mounts()?;
        Ok(namespace)
    }

    fn start_pause(&self) -> Outcome<OwnedFd> {
        match sys::fork(sys::CloneFlags::PID.and(sys::CloneFlags::MOUNT), None)
            .doing("fork the pause process")?
        {
            sys::Forked::Child => pause::run(),
            sys::Forked::Parent(pid) => open_pidfd(pid),
        }
    }
}

/// Makes a new tmpfs the root of the caller's mount namespace, which must be its own, and drops all other mounts.
pub fn become_root(name: &str, options: &str) -> Outcome<()> {
    use rustix::mount as m;
    m::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .doing("make mounts private")?;
    let options =
        std::ffi::CString::new(options).map_err(|_| Fault::new("mount options with a zero byte"))?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    m::mount(name, ".", "tmpfs", flags, options.as_c_str()).doing(format_args!("mount tmpfs {name}"))?;
    // The working directory still lies below the new mount; its path leads onto it.
    let mounted = std::env::current_dir().doing("find the working directory")?;
    rustix::process::chdir(&mounted).doing("enter the new root")?;
    pivot_into_working_directory()
}

/// Makes the working directory, a mount point, the root, and drops the old root.
pub fn pivot_into_working_directory() -> Outcome<()> {
    rustix::process::pivot_root(".", ".").doing("change root")?;
    rustix::mount::unmount(".", UnmountFlags::DETACH).doing("drop the old root")?;
    rustix::process::chdir("/").doing("enter the new root")
}

/// A handle on a child that has not been waited for.
pub fn open_pidfd(pid: Pid) -> Outcome<OwnedFd> {
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).doing("open a handle on a process")
}

fn read_spec() -> Outcome<SandboxSpec> {
    let bytes = std::fs::read(protocol::SPEC).doing("read the sandbox spec")?;
    let spec: SandboxSpec =
        serde_json::from_slice(&bytes).map_err(|error| Fault(format!("parse the sandbox spec: {error}")))?;
    if spec.version > protocol::VERSION {
        return Err(Fault(format!(
            "the sandbox spec is of protocol {}, this shim speaks {}",
            spec.version,
            protocol::VERSION
        )));
    }
    Ok(spec)
}

/// Goes on in the shim's cgroup; with version 2 as a child of this process, because only forking into a group is quick.
fn enter_cgroup(cgroup: &CgroupSpec) -> Outcome<()> {
    let directory = open_cgroup(cgroup)?;
    if directory.is_some()
        && let sys::Forked::Parent(_) =
            sys::fork(sys::CloneFlags::INHERIT, directory.as_ref()).doing("fork into the cgroup")?
    {
        sys::exit_now(0);
    }
    join_tasks(cgroup)
}

/// The directory of a version 2 cgroup to fork into.
pub fn open_cgroup(cgroup: &CgroupSpec) -> Outcome<Option<OwnedFd>> {
    cgroup.into.as_deref().map(open_directory).transpose()
}

/// Joins the version 1 groups.
pub fn join_tasks(cgroup: &CgroupSpec) -> Outcome<()> {
    for tasks in &cgroup.tasks {
        std::fs::write(tasks, "0").doing(format_args!("join cgroup {}", tasks.display()))?;
    }
    Ok(())
}

fn enter_mounts(namespace: &OwnedFd) -> Outcome<()> {
    rustix::thread::move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Mount))
        .doing("enter a mount namespace")
}

fn open_namespace(kind: &str) -> Outcome<OwnedFd> {
    rustix::fs::open(format!("/proc/self/ns/{kind}"), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .doing(format_args!("open namespace {kind}"))
}

fn open_directory(path: &Path) -> Outcome<OwnedFd> {
    rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .doing(format_args!("open {}", path.display()))
}
