//! The embedded shim program.

use crate::error::{At, Outcome};
use crate::identifier::hex;
use crate::layout::Layout;
use sha2::{Digest, Sha256};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// The program's bytes.
static PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/skiff-shim"));

/// Puts the program into the data directory under a name made from its content, and returns its path. Programs of other versions stay: their
/// shims may run.
pub fn install(layout: &Layout) -> Outcome<PathBuf> {
    let digest = hex(&Sha256::digest(PROGRAM)[..8]);
    let path = layout.programs().join(format!("skiff-shim-{digest}"));
    if std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() == PROGRAM.len() as u64) {
        return Ok(path);
    }
    let temporary = crate::record::temporary(&path);
    std::fs::write(&temporary, PROGRAM).at("write", &temporary)?;
    std::fs::set_permissions(&temporary, Permissions::from_mode(0o755)).at("make executable", &temporary)?;
    std::fs::rename(&temporary, &path).at("replace", &path)?;
    Ok(path)
}
