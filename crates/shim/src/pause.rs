//! The pause process: the first of a PID namespace that the pod's containers share. It holds the namespace open and reaps its orphans,
//! in an empty root and without any privilege.

use crate::fault::Outcome;
use crate::{sandbox, sys};
use rustix::process::{Signal, WaitOptions};
use rustix::thread::{CapabilitySet, CapabilitySets};

/// Becomes the pause process.
pub fn run() -> ! {
    let code = match confine() {
        Ok(()) => reap(),
        Err(_) => 1,
    };
    sys::exit_now(code)
}

fn confine() -> Outcome<()> {
    sandbox::become_root("pause", "mode=555,size=4k")?;
    // Failing to give up a privilege that is not held changes nothing.
    let _ = rustix::thread::set_name(c"pause");
    let _ = rustix::process::setsid();
    let _ = rustix::thread::set_no_new_privs(true);
    let nothing = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    let _ = rustix::thread::set_capabilities(None, nothing);
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    sys::close_all();
    Ok(())
}

fn reap() -> i32 {
    loop {
        while let Ok(Some(_)) = rustix::process::wait(WaitOptions::NOHANG) {}
        if !sys::wait_for_child_signal() {
            return 1;
        }
    }
}
