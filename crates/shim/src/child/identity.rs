//! Who the process is and what it may do.
//!
//! Order matters: without no_new_privs a seccomp filter can only be loaded while CAP_SYS_ADMIN is held, so before capabilities go; with it the
//! filter comes last, so that it need not allow what happens here.

use crate::fault::{Doing, Outcome};
use crate::sys;
use rustix::process::{Gid, Signal, Uid};
use rustix::thread::{CapabilitySet, CapabilitySets};
use skiff_shim::protocol::spec::{CapabilitySpec, ProcessSpec, UserSpec};

/// Assumes user, capabilities, no_new_privs and seccomp filter.
pub fn assume(spec: &ProcessSpec, seccomp: Option<&[u8]>) -> Outcome<()> {
    if spec.no_new_privs {
        rustix::thread::set_no_new_privs(true).doing("set no_new_privs")?;
    } else {
        confine(seccomp)?;
    }
    limit_bounding(spec.capabilities)?;
    rustix::thread::set_keep_capabilities(true).doing("keep capabilities")?;
    become_user(&spec.user)?;
    rustix::thread::set_keep_capabilities(false).doing("drop keep-capabilities")?;
    take_capabilities(spec.capabilities)?;
    // Changing the user clears it, hence here: a container does not outlive its shim.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).doing("tie to the shim")?;
    if spec.no_new_privs {
        confine(seccomp)?;
    }
    Ok(())
}

fn confine(seccomp: Option<&[u8]>) -> Outcome<()> {
    match seccomp {
        Some(program) => sys::load_seccomp(program).doing("load the seccomp filter"),
        None => Ok(()),
    }
}

fn limit_bounding(capabilities: CapabilitySpec) -> Outcome<()> {
    for number in 0..64 {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        // The first number that the kernel does not know ends the list.
        let Ok(held) = rustix::thread::capability_is_in_bounding_set(capability) else { break };
        if held && capabilities.bounding & capability.bits() == 0 {
            rustix::thread::remove_capability_from_bounding_set(capability)
                .doing("limit the bounding set")?;
        }
    }
    Ok(())
}

fn become_user(user: &UserSpec) -> Outcome<()> {
    let groups: Vec<Gid> = user.groups.iter().map(|group| Gid::from_raw(*group)).collect();
    rustix::thread::set_thread_groups(&groups).doing("set groups")?;
    let gid = Gid::from_raw(user.gid);
    rustix::thread::set_thread_res_gid(gid, gid, gid).doing("set the group")?;
    let uid = Uid::from_raw(user.uid);
    rustix::thread::set_thread_res_uid(uid, uid, uid).doing("set the user")
}

fn take_capabilities(capabilities: CapabilitySpec) -> Outcome<()> {
    let held = rustix::thread::capabilities(None).doing("read capabilities")?.permitted;
    let granted = CapabilitySet::from_bits_retain(capabilities.bounding) & held;
    let ambient = CapabilitySet::from_bits_retain(capabilities.ambient) & granted;
    let sets = CapabilitySets { effective: granted, permitted: granted, inheritable: ambient };
    rustix::thread::set_capabilities(None, sets).doing("set capabilities")?;
    for number in (0..64).filter(|number| ambient.bits() & (1 << number) != 0) {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        rustix::thread::configure_capability_in_ambient_set(capability, true)
            .doing("set ambient capabilities")?;
    }
    Ok(())
}
