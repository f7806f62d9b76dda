//! Where a pod asks for names.

use super::given;
use crate::validation::network;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors, names};

const MAX_NAMESERVERS: usize = 3;
const MAX_SEARCHES: usize = 32;
/// With a space between each two of them.
const MAX_SEARCH_LENGTH: usize = 2048;

/// The `dnsConfig` of a pod.
pub(super) fn validate(spec: &Document, place: &Place<'_>) -> FieldErrors {
    let place = &place.child("dnsConfig");
    let alone = spec.str_at(&["dnsPolicy"]) == "None";
    let Some(config) = given(spec, "dnsConfig") else {
        let why = "must provide `dnsConfig` when `dnsPolicy` is None";
        return alone.then(|| place.required(why)).into_iter().collect();
    };
    let servers = config.array_at(&["nameservers"]);
    let list = &place.child("nameservers");
    if alone && servers.is_empty() {
        return vec![list.required("must provide at least one DNS nameserver when `dnsPolicy` is None")];
    }
    let mut out = FieldErrors::new();
    if servers.len() > MAX_NAMESERVERS {
        let why = format!("must not have more than {MAX_NAMESERVERS} nameservers");
        out.push(list.invalid(servers.to_vec(), why));
    }
    for (i, server) in servers.iter().filter_map(Document::as_str).enumerate() {
        if network::ip(server).is_none() {
            out.extend(network::ip_error(&list.index(i).path(), server));
        }
    }
    out.extend(searches(config.array_at(&["searches"]), &place.child("searches")));
    let list = &place.child("options");
    for (i, option) in config.array_at(&["options"]).iter().enumerate() {
        if option.str_at(&["name"]).is_empty() {
            out.push(list.index(i).required("must not be empty"));
        }
    }
    out
}

fn searches(searches: &[Document], place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    if searches.len() > MAX_SEARCHES {
        let why = format!("must not have more than {MAX_SEARCHES} search paths");
        out.push(place.invalid(searches.to_vec(), why));
    }
    let texts = || searches.iter().filter_map(Document::as_str);
    let length = texts().map(|search| search.len() + 1).sum::<usize>().saturating_sub(1);
    if length > MAX_SEARCH_LENGTH {
        let why = format!(
            "must not have more than {MAX_SEARCH_LENGTH} characters (including spaces) in the search list"
        );
        out.push(place.invalid(searches.to_vec(), why));
    }
    for (i, search) in texts().enumerate().filter(|(_, search)| *search != ".") {
        let search = search.strip_suffix('.').unwrap_or(search);
        out.extend(place.index(i).complaints(search, names::dns1123_subdomain_with_underscore(search)));
    }
    out
}
