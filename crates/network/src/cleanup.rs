//! Removing everything that a data directory owns. A bridge bears the directory's name as its alias, so nothing else is
//! needed to find it.

use crate::interface::VETH_PREFIX;
use crate::links::Links;
use crate::network::owner;
use crate::rules::Rules;
use crate::{Error, Result, state};
use std::io::ErrorKind;
use std::path::Path;

/// Removes the bridge, the veth pairs on it, the tables and the state of the network of this data directory (the one in
/// [`crate::NetworkConfig`]); nothing there is success. No [`crate::PodNetwork`] may be open on it.
///
/// # Errors
/// If something of it cannot be removed.
pub async fn cleanup(data_dir: &Path) -> Result<()> {
    let links = Links::open()?;
    let all = links.list().await?;
    let owner = owner(data_dir);
    for bridge in all.iter().filter(|link| link.alias == owner) {
        let ours = |name: &str| name.starts_with(VETH_PREFIX);
        for port in all.iter().filter(|link| link.controller == Some(bridge.index) && ours(&link.name)) {
            links.remove(&port.name).await?;
        }
        Rules { bridge: bridge.name.clone(), cluster_cidrs: Vec::new() }.remove_tables()?;
        links.remove(&bridge.name).await?;
    }
    let path = state::path(data_dir);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::file(&path, error)),
        _ => Ok(()),
    }
}
