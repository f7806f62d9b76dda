//! The shim program: `skiff-shim SANDBOX_DIRECTORY`.
//!
//! It makes the pod's namespaces, listens on the socket in the sandbox's directory, says `ready` (or why not) on its standard output, and
//! supervises containers until it is told to shut down. See the library part for what it promises.

mod attach;
mod calls;
mod child;
mod clock;
mod connection;
mod container;
mod exits;
mod fault;
mod launch;
mod log;
mod pause;
mod sandbox;
mod supervisor;
mod sys;

use fault::{Doing, Fault, Outcome};
use std::io::Write;
use supervisor::Supervisor;

/// Later than any container, like the container runtimes' own shims.
const OOM_SCORE: &str = "-998";

fn main() {
    let started = start();
    let word = match &started {
        Ok(_) => "ready".to_owned(),
        Err(fault) => fault.0.clone(),
    };
    // Whoever started the shim may be gone already; the socket is there for the next.
    let _ = writeln!(std::io::stdout(), "{word}");
    let Ok(mut supervisor) = started else { std::process::exit(1) };
    if let Ok(null) = container::open_null() {
        let _ = rustix::stdio::dup2_stdout(&null);
    }
    sys::trim_memory();
    if let Err(fault) = supervisor.run() {
        eprintln!("skiff-shim: {fault}");
        std::process::exit(1);
    }
}

fn start() -> Outcome<Supervisor> {
    sys::close_inherited();
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    // Needs CAP_SYS_RESOURCE; without it the shim is spared for its size alone.
    let _ = std::fs::write("/proc/self/oom_score_adj", OOM_SCORE);
    let directory = std::env::args_os().nth(1).ok_or_else(|| Fault::new("usage: skiff-shim DIRECTORY"))?;
    std::env::set_current_dir(&directory).doing("enter the sandbox's directory")?;
    // Fails if it leads a session already.
    let _ = rustix::process::setsid();
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).doing("become a subreaper")?;
    let signals = sys::take_signals().doing("take signals")?;
    let sandbox = sandbox::Sandbox::enter()?;
    Supervisor::new(sandbox, signals)
}
