//! Seccomp filters: from a profile (the runtime's default one, or a file of the node) to a BPF program in a file that the shim loads.
//!
//! Programs are kept under a name made from their content, so that equal containers share one.

mod compile;
mod default;
mod profile;
mod syscalls;

use super::capabilities;
use crate::error::{At, Outcome, RuntimeError};
use crate::identifier::hex;
use crate::layout::Layout;
use crate::record;
use profile::Profile;
use sha2::{Digest, Sha256};
use skiff_cri::v1::LinuxContainerSecurityContext;
use skiff_cri::v1::security_profile::ProfileType;
use skiff_shim::protocol::spec::CapabilitySpec;
use std::path::{Path, PathBuf};

/// Profiles are not bigger.
const MAX_PROFILE: u64 = 1 << 20;

/// The file with the filter for a container; `None` if it is unconfined.
pub fn filter_file(
    layout: &Layout,
    security: &LinuxContainerSecurityContext,
    capabilities: CapabilitySpec,
) -> Outcome<Option<PathBuf>> {
    let Some(asked) = security.seccomp.as_ref().filter(|_| !security.privileged) else { return Ok(None) };
    let profile = match asked.profile_type() {
        ProfileType::Unconfined => return Ok(None),
        ProfileType::RuntimeDefault => {
            default::profile(|name| capabilities::has(capabilities.bounding, name))
        }
        ProfileType::Localhost => read_profile(Path::new(&asked.localhost_ref))?,
    };
    let program = compile::compile(&profile)?;
    let path = layout.seccomp().join(hex(&Sha256::digest(&program)[..16]));
    if !path.exists() {
        record::write_bytes(&path, &program)?;
    }
    Ok(Some(path))
}

fn read_profile(path: &Path) -> Outcome<Profile> {
    let invalid =
        |reason: String| RuntimeError::Invalid(format!("seccomp profile {}: {reason}", path.display()));
    let length = std::fs::metadata(path).at("read", path)?.len();
    if length > MAX_PROFILE {
        return Err(invalid("too big".to_owned()));
    }
    let text = std::fs::read(path).at("read", path)?;
    serde_json::from_slice(&text).map_err(|error| invalid(error.to_string()))
}
