//! Warnings about API versions that upstream has deprecated.

use skiff_api::Resource;

/// What clients of a deprecated resource are told.
const DEPRECATED: [(&str, &str, &str, &str); 2] = [
    ("", "v1", "componentstatuses", "v1 ComponentStatus is deprecated in v1.19+"),
    ("", "v1", "endpoints", "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
];

/// The text for a `Warning` header, if the row is deprecated.
pub(super) fn warning(row: &Resource) -> Option<&'static str> {
    let (group, version, plural) = (&*row.gvk.group, &*row.gvk.version, &*row.plural);
    DEPRECATED.iter().find(|(g, v, p, _)| (*g, *v, *p) == (group, version, plural)).map(|(.., text)| *text)
}
