//! Work inside another network namespace, on a thread that does nothing else and ends.

use crate::{Error, Result};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use tokio::sync::oneshot;

/// A network namespace, held open.
pub(crate) struct Namespace {
    path: PathBuf,
    file: File,
}

impl Namespace {
    /// Opens a pinned namespace.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::file(path, e))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// The descriptor, for handing links over.
    pub(crate) fn fd(&self) -> std::os::fd::RawFd {
        std::os::fd::AsRawFd::as_raw_fd(&self.file)
    }

    /// Runs a future inside. Its runtime, its sockets and its thread die with it.
    pub(crate) async fn run<T, F>(&self, work: impl FnOnce() -> F + Send + 'static) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>>,
    {
        let path = self.path.clone();
        let file = self.file.try_clone().map_err(|e| Error::file(&path, e))?;
        let (report, result) = oneshot::channel();
        let inside = move || -> Result<T> {
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
                .map_err(|e| Error::file(&path, e))?;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .build()
                .map_err(|e| Error::file(&path, e))?;
            runtime.block_on(work())
        };
        std::thread::Builder::new()
            .name("sandbox-network".into())
            .spawn(move || {
                let _ = report.send(inside());
            })
            .map_err(|e| Error::file(&self.path, e))?;
        result.await.map_err(|_| Error::file(&self.path, std::io::Error::other("the thread inside died")))?
    }
}
