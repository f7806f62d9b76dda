//! Standard streams: pipes given by the shim, or a terminal made in the container's own devpts.

use super::{Program, Stdio, TERMINAL};
use crate::fault::{Doing, Fault, Outcome};
use rustix::fs::FileType;
use rustix::process::{Gid, Uid};
use rustix::pty::OpenptFlags;
use skiff_shim::protocol::descriptors;
use std::os::fd::{AsFd, OwnedFd};

/// Puts the streams in place; returns the terminal's path if one was made.
pub fn take_stdio(program: &Program<'_>) -> Outcome<Option<String>> {
    let user = &program.spec.user;
    let owner = Uid::from_raw(user.uid);
    match &program.stdio {
        Some(Stdio { stdin, stdout, stderr }) => {
            for stream in [stdin, stdout, stderr] {
                give_pipe(stream, owner);
            }
            put(stdin, stdout, stderr)?;
            Ok(None)
        }
        None => {
            let (terminal, path) = open_terminal(program)?;
            // The group stays `tty`, who may write to it.
            rustix::fs::fchown(&terminal, Some(owner), None::<Gid>).doing("chown the terminal")?;
            rustix::process::ioctl_tiocsctty(&terminal).doing("make the terminal the controlling one")?;
            put(&terminal, &terminal, &terminal)?;
            Ok(Some(path))
        }
    }
}

fn open_terminal(program: &Program<'_>) -> Outcome<(OwnedFd, String)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = rustix::pty::openpt(flags).doing("open /dev/ptmx")?;
    rustix::pty::unlockpt(&master).doing("unlock the terminal")?;
    let terminal = rustix::pty::ioctl_tiocgptpeer(&master, flags).doing("open the terminal")?;
    let path = rustix::pty::ptsname(&master, Vec::new()).doing("name the terminal")?;
    let path = path.into_string().map_err(|_| Fault::new("the terminal has no name"))?;
    descriptors::send(&program.channel, &[TERMINAL], &[master.as_fd()]).doing("hand the terminal over")?;
    Ok((terminal, path))
}

/// Lets a process that is not root open its streams again through /proc/self/fd.
fn give_pipe(stream: &OwnedFd, owner: Uid) {
    let is_pipe = rustix::fs::fstat(stream)
        .is_ok_and(|stat| matches!(FileType::from_raw_mode(stat.st_mode), FileType::Fifo | FileType::Socket));
    if is_pipe {
        // A stream that cannot be given away still works where it is.
        let _ = rustix::fs::fchown(stream, Some(owner), None);
    }
}

fn put(stdin: &OwnedFd, stdout: &OwnedFd, stderr: &OwnedFd) -> Outcome<()> {
    rustix::stdio::dup2_stdin(stdin).doing("set standard input")?;
    rustix::stdio::dup2_stdout(stdout).doing("set standard output")?;
    rustix::stdio::dup2_stderr(stderr).doing("set standard error")
}
