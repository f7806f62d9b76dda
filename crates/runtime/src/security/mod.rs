//! What a process may do: capabilities, no_new_privs, seccomp. Input is the kubelet's security context, output goes into process specs.

mod capabilities;
mod seccomp;
pub mod signals;

use crate::error::Outcome;
use crate::layout::Layout;
use skiff_cri::v1::LinuxContainerSecurityContext;
use skiff_shim::protocol::spec::ProcessSpec;

/// Confines a process as its security context says.
pub fn confine(
    layout: &Layout,
    process: ProcessSpec,
    security: &LinuxContainerSecurityContext,
) -> Outcome<ProcessSpec> {
    let capabilities = capabilities::resolve(security)?;
    Ok(ProcessSpec {
        capabilities,
        no_new_privs: security.no_new_privs,
        seccomp: seccomp::filter_file(layout, security, capabilities)?,
        ..process
    })
}
