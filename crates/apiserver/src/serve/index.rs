//! `/`: every path that upstream's server tells of, as far as it is served here.

use crate::authentication::openid;
use crate::chain::Core;
use skiff_apimachinery::{Document, doc};

/// Paths that every server has.
const ALWAYS: [&str; 8] =
    ["/api", "/apis", "/apis/", "/metrics", "/metrics/slis", "/openapi/v2", "/openapi/v3", "/openapi/v3/"];

pub(super) fn document(core: &Core) -> Document {
    let rows = core.caches.table().rows();
    let mut paths: Vec<String> = ALWAYS.map(String::from).into();
    paths.push("/version".to_owned());
    for row in rows.served() {
        let (group, version) = (&row.gvk.group, &row.gvk.version);
        if group.is_empty() {
            paths.push(format!("/api/{version}"));
        } else {
            paths.push(format!("/apis/{group}"));
            paths.push(format!("/apis/{group}/{version}"));
        }
    }
    if core.openid.is_some() {
        paths.extend([openid::CONFIGURATION_PATH, openid::KEYS_PATH].map(String::from));
    }
    paths.extend(core.health.paths());
    paths.sort();
    paths.dedup();
    doc!({"paths": paths})
}
