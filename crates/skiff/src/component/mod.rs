//! Each component as it can run by itself, with upstream's flags, against any API server; `server/` puts the same pieces
//! into one process.
//!
//! A component is a folder or file here with a `Config` that the command line fills, and a `serve` that runs until the
//! token is cancelled. What they share: [`process`] runs one until a signal, [`access`] reads a kubeconfig,
//! [`election`] lets one of several act, [`monitor`] answers health checks and scrapes.

pub(crate) mod access;
pub(crate) mod admission_plugins;
pub(crate) mod api_server;
pub(crate) mod controller_manager;
pub(crate) mod datastore;
pub(crate) mod election;
pub(crate) mod kubelet;
pub(crate) mod monitor;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod scheduler;
