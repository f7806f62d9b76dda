//! Flags that several commands have: each file is one group of them, to be flattened into a command's `Args`.

pub(super) mod api_versions;
pub(super) mod cluster_access;
pub(super) mod features;
pub(super) mod leader_elect;
pub(super) mod logging;
pub(super) mod requests;
pub(super) mod serving;
pub(super) mod storage;
pub(super) mod tokens;
