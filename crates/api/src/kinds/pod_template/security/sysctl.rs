//! Parameters of the kernel that a pod sets in its namespaces.

use super::super::given;
use super::super::leniency::Leniency;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors};
use std::borrow::Cow;
use std::collections::HashSet;

const MAX_NAME: usize = 253;

/// The `sysctls` of a pod.
pub(super) fn validate(
    spec: &Document,
    context: &Document,
    place: &Place<'_>,
    leniency: Leniency,
) -> FieldErrors {
    let mut out = FieldErrors::new();
    let mut seen = HashSet::new();
    for (i, sysctl) in context.array_at(&["sysctls"]).iter().enumerate() {
        let name = sysctl.str_at(&["name"]);
        let place = place.index(i);
        let place = place.child("name");
        let is_new = seen.insert(name);
        if name.is_empty() {
            out.push(place.required(""));
        } else if !is_valid(name) {
            let why = r"must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
            out.push(place.invalid(name, why));
        } else if !is_new {
            out.push(place.duplicate(name));
        }
        if !leniency.host_sysctls
            && let Some(field) = shared(name, spec)
        {
            out.push(place.invalid(name, format!("may not be specified when '{field}' is true")));
        }
    }
    out
}

/// Whether a pod sets a parameter of a namespace that it shares with its host.
pub(crate) fn has_host_sysctl(spec: &Document) -> bool {
    given(spec, "securityContext").is_some_and(|context| {
        context.array_at(&["sysctls"]).iter().any(|sysctl| shared(sysctl.str_at(&["name"]), spec).is_some())
    })
}

/// The field by which a pod shares the parameter's namespace with its host.
fn shared(name: &str, spec: &Document) -> Option<&'static str> {
    let name = with_dots(name);
    let of_ipc = ["kernel.shm", "kernel.msg", "fs.mqueue."].iter().any(|start| name.starts_with(start));
    let field = if name.starts_with("net.") {
        "hostNetwork"
    } else if name == "kernel.sem" || of_ipc {
        "hostIPC"
    } else {
        return None;
    };
    (spec.bool_at(&[field]) == Some(true)).then_some(field)
}

/// A name whose first separator is a slash has its dots and slashes the other way round.
fn with_dots(name: &str) -> Cow<'_, str> {
    if name.chars().find(|c| matches!(c, '.' | '/')) != Some('/') {
        return Cow::Borrowed(name);
    }
    let swap = |c: char| match c {
        '.' => '/',
        '/' => '.',
        other => other,
    };
    Cow::Owned(name.chars().map(swap).collect())
}

/// Words with dots or slashes between them.
fn is_valid(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let is_word = |word: &str| {
        let bytes = word.as_bytes();
        bytes.first().copied().is_some_and(inner)
            && bytes.last().copied().is_some_and(inner)
            && bytes.iter().all(|b| inner(*b) || matches!(b, b'-' | b'_'))
    };
    name.len() <= MAX_NAME && name.split(['.', '/']).all(is_word)
}
