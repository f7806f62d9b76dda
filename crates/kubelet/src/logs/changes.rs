//! Tells when something in a directory of logs changes, without asking it again and again (inotify).

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use tokio::io::unix::AsyncFd;

/// Changes of one directory from its creation on.
pub struct Changes {
    notify: AsyncFd<OwnedFd>,
}

impl Changes {
    /// Begins to watch; must be called inside a tokio runtime.
    ///
    /// # Errors
    /// If the kernel gives no watch.
    pub fn of(dir: &Path) -> io::Result<Self> {
        let notify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let interest =
            WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::MOVED_FROM;
        inotify::add_watch(&notify, dir, interest)?;
        #[expect(
            deprecated,
            reason = "its successor is unsafe to ask for what an OwnedFd gives: the descriptor stays the same and open"
        )]
        let notify = AsyncFd::new(notify)?;
        Ok(Self { notify })
    }

    /// Waits for the next change; several at once count as one.
    ///
    /// # Errors
    /// If the watch broke.
    pub async fn next(&self) -> io::Result<()> {
        let mut ready = self.notify.readable().await?;
        let mut buffer = [const { MaybeUninit::uninit() }; 4096];
        loop {
            match rustix::io::read(&self.notify, &mut buffer) {
                Ok(_) => {}
                Err(rustix::io::Errno::AGAIN) => {
                    ready.clear_ready();
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
