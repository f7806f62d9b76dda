//! The API server that a standalone component speaks to, as its kubeconfig tells.

use anyhow::{Context, Result};
use skiff_client::kubeconfig::{Access, Kubeconfig};
use skiff_client::{Client, HttpsTransport};
use std::path::Path;
use std::sync::Arc;

/// What a kubeconfig file says, with the server that `--master` names instead of the file's if there is one.
pub(crate) fn read(kubeconfig: &Path, master: Option<&str>) -> Result<Access> {
    let shown = kubeconfig.display();
    let mut access = Kubeconfig::load(kubeconfig)
        .and_then(|config| config.access(None))
        .with_context(|| format!("--kubeconfig {shown}"))?;
    if let Some(master) = master {
        master.trim_end_matches('/').clone_into(&mut access.server);
    }
    Ok(access)
}

/// A client of that server. The user agent names the component.
pub(crate) fn client(access: Access, user_agent: &str) -> Result<Client> {
    let server = access.server.clone();
    let transport =
        HttpsTransport::new(access, user_agent).with_context(|| format!("cannot speak to {server}"))?;
    Ok(Client::new(Arc::new(transport)))
}
