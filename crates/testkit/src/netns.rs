//! Network namespaces for tests: made empty, gone when dropped, invisible to the rest of the machine.
//!
//! A namespace lives as long as its thread; nothing is mounted and nothing has a name, so a test that dies leaves nothing
//! behind. What runs inside runs on that thread, and so do the processes that it starts.

use rustix::thread::UnshareFlags;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread::JoinHandle;

type Job = Box<dyn FnOnce() + Send>;

/// A network namespace with nothing but a loopback device, which is up.
pub struct NetworkNamespace {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    path: PathBuf,
}

impl NetworkNamespace {
    /// Makes one. Needs root.
    pub fn new() -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let (report, made) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            #[expect(deprecated, reason = "it is unsafe only when file descriptors are unshared")]
            let entered = rustix::thread::unshare(UnshareFlags::NEWNET);
            let entered = entered.map(|()| {
                PathBuf::from(format!(
                    "/proc/{}/task/{}/ns/net",
                    std::process::id(),
                    rustix::thread::gettid().as_raw_nonzero()
                ))
            });
            let go_on = entered.is_ok();
            if report.send(entered).is_ok() && go_on {
                queue.into_iter().for_each(|job| job());
            }
        });
        let path = made.recv().map_err(std::io::Error::other)??;
        let namespace = Self { jobs: Some(jobs), thread: Some(thread), path };
        namespace.sh("ip link set lo up");
        Ok(namespace)
    }

    /// Where it can be opened while this value lives.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs code inside.
    ///
    /// # Panics
    /// If the code does.
    pub fn run<T: Send + 'static>(&self, code: impl FnOnce() -> T + Send + 'static) -> T {
        let (report, result) = mpsc::channel();
        let job: Job = Box::new(move || {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(code));
            let _ = report.send(outcome);
        });
        let jobs = self.jobs.as_ref().expect("it is taken only by drop");
        jobs.send(job).expect("the thread ends only when the sender is dropped");
        match result.recv().expect("the job reports even when it panics") {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// Runs a shell script inside and returns what it prints, with its errors.
    ///
    /// # Panics
    /// If the script fails.
    pub fn sh(&self, script: &str) -> String {
        let (done, output) = self.try_sh(script);
        assert!(done, "{script}\n{output}");
        output
    }

    /// Runs a shell script inside; returns whether it succeeded and what it printed.
    ///
    /// # Panics
    /// If there is no shell.
    pub fn try_sh(&self, script: &str) -> (bool, String) {
        let script = script.to_owned();
        let output =
            self.run(move || Command::new("sh").arg("-ec").arg(script).output()).expect("a shell is there");
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&text).into_owned())
    }
}

impl Drop for NetworkNamespace {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
