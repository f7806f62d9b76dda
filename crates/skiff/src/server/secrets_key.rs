//! The key that encrypts Secrets in the store: made at the first start, kept in a file of mode 0600.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use skiff_storage::transform::{AesGcm, AesKey};
use std::path::Path;

/// Name of the key in stored values.
const NAME: &str = "skiff-1";
/// AES-256.
const BYTES: usize = 32;

/// Opens the key file, making it if it is not there.
pub(super) fn open(path: &Path) -> Result<AesGcm> {
    let secret = match skiff_pki::file::read(path)? {
        Some(text) => {
            STANDARD.decode(text.trim()).with_context(|| format!("{} is damaged", path.display()))?
        }
        None => {
            let secret: [u8; BYTES] = rand::random();
            skiff_pki::file::write_private(path, format!("{}\n", STANDARD.encode(secret)).as_bytes())?;
            secret.to_vec()
        }
    };
    ensure!(secret.len() == BYTES, "{} is damaged: a key has {BYTES} bytes", path.display());
    Ok(AesGcm::new(vec![AesKey::new(NAME, &secret)?])?)
}
