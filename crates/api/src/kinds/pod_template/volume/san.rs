//! Volumes on storage networks: iSCSI and Fibre Channel.

use super::super::given;
use super::required;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldError, FieldErrors, names};

const MAX_LUN: i64 = 255;
/// Most characters of a volume's name and the portal, with a colon between.
const MAX_NAME_AND_PORTAL: usize = 64;

pub(super) fn iscsi(source: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = required(source, &["targetPortal", "iqn"], place);
    let name = source.str_at(&["iqn"]);
    if !name.is_empty() {
        out.extend(qualified_name(name, &place.child("iqn")));
    }
    out.extend(lun(source.i64_at(&["lun"]).unwrap_or(0), &place.child("lun")));
    let asks = ["chapAuthDiscovery", "chapAuthSession"].iter().any(|f| source.bool_at(&[f]) == Some(true));
    if asks && given(source, "secretRef").is_none() {
        out.push(place.child("secretRef").required(""));
    }
    if let Some(name) = source.get("initiatorName").and_then(Document::as_str) {
        out.extend(qualified_name(name, &place.child("initiatorname")));
    }
    out
}

/// The names of target and initiator.
fn qualified_name(name: &str, place: &Place<'_>) -> Option<FieldError> {
    let is_valid = match name.get(..3) {
        Some("iqn") => is_iqn(name),
        Some("eui") => is_numbered(name, 16),
        Some("naa") => is_numbered(name, 32),
        _ => return Some(place.invalid(name, "must be valid format starting with iqn, eui, or naa")),
    };
    (!is_valid).then(|| place.invalid(name, "must be valid format"))
}

/// `iqn.2003-01.org.example:disk`: a month, a domain, and a name of the domain's owner.
fn is_iqn(name: &str) -> bool {
    let Some((before, owned)) = name.split_once(':') else { return false };
    let mut parts = before.splitn(3, '.');
    let (_, month, domain) = (parts.next(), parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let is_month = month.len() == 7
        && month.bytes().enumerate().all(|(i, b)| if i == 4 { b == b'-' } else { b.is_ascii_digit() });
    let is_domain =
        !domain.is_empty() && domain.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    let forbidden = |c: char| matches!(c, ',' | ';' | '*' | '&' | '$' | '|') || c.is_ascii_whitespace();
    before.starts_with("iqn.") && is_month && is_domain && !owned.is_empty() && !owned.contains(forbidden)
}

/// Three letters, something between, and so many letters and digits.
fn is_numbered(name: &str, digits: usize) -> bool {
    let mut rest = name.chars().skip(3);
    rest.next().is_some_and(|separator| separator != '\n')
        && name.chars().count() == 4 + digits
        && rest.all(|c| c.is_ascii_alphanumeric())
}

fn lun(lun: i64, place: &Place<'_>) -> FieldErrors {
    names::in_range(lun, 0, MAX_LUN).into_iter().map(|why| place.invalid(lun, why)).collect()
}

/// Of both together an initiator makes a name that must not be too long.
pub(super) fn name_and_portal(volume: &str, source: &Document, place: &Place<'_>) -> Option<FieldError> {
    given(source, "initiatorName")?;
    let length = volume.len() + 1 + source.str_at(&["targetPortal"]).len();
    let why = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.";
    (length > MAX_NAME_AND_PORTAL).then(|| place.child("name").invalid(volume, why))
}

pub(super) fn fibre_channel(source: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let targets = source.array_at(&["targetWWNs"]);
    let has_ids = !source.array_at(&["wwids"]).is_empty();
    let at = place.child("targetWWNs");
    if targets.is_empty() {
        if !has_ids {
            out.push(at.required("must specify either targetWWNs or wwids, but not both"));
        }
        return out;
    }
    if has_ids {
        let why = "targetWWNs and wwids can not be specified simultaneously";
        out.push(at.invalid(targets.to_vec(), why));
    }
    match source.i64_at(&["lun"]) {
        Some(number) => out.extend(lun(number, &place.child("lun"))),
        None => out.push(place.child("lun").required("lun is required if targetWWNs is specified")),
    }
    out
}
