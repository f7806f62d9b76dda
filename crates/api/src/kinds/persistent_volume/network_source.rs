//! Storage that is reached over a network as sources of persistent volumes.

use super::source::{needed, needed_all};
use super::validate::given;
use crate::validation::{invalid, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

const MAX_LUN: i64 = 255;
/// Bytes that iSCSI has for a volume's name and portal when the initiator has a name.
const MAX_INTERFACE: usize = 64;
/// One more than the bytes of the longest tenant.
const TENANT_TOO_LONG: usize = 65;

pub(super) fn nfs(field: &FieldPath, source: &Document) -> FieldErrors {
    let mut out = needed_all(field, source, &["server", "path"]);
    let path = source.str_at(&["path"]);
    if !path.starts_with('/') {
        out.push(FieldError::invalid(&field.child("path"), path, "must be an absolute path"));
    }
    out
}

pub(super) fn glusterfs(field: &FieldPath, source: &Document) -> FieldErrors {
    let mut out = needed_all(field, source, &["endpoints", "path"]);
    if let Some(namespace) = source.get("endpointsNamespace").and_then(Document::as_str) {
        let complaints = if namespace.is_empty() {
            vec!["if the endpointnamespace is set, it must be a valid namespace name".to_owned()]
        } else {
            names::dns1123_label(namespace)
        };
        out.extend(invalid(&field.child("endpointsNamespace"), namespace, complaints));
    }
    out
}

pub(super) fn rbd(field: &FieldPath, source: &Document) -> FieldErrors {
    let mut out: FieldErrors = monitors(field, source).into_iter().collect();
    out.extend(needed(field, source, "image"));
    out
}

pub(super) fn cephfs(field: &FieldPath, source: &Document) -> FieldErrors {
    monitors(field, source).into_iter().collect()
}

fn monitors(field: &FieldPath, source: &Document) -> Option<FieldError> {
    let none = source.array_at(&["monitors"]).is_empty();
    none.then(|| FieldError::required(&field.child("monitors"), ""))
}

pub(super) fn quobyte(field: &FieldPath, source: &Document) -> FieldErrors {
    const PAIRS: &str = "must be a host:port pair or multiple pairs separated by commas";
    let registry = source.str_at(&["registry"]);
    let mut out = FieldErrors::new();
    if registry.is_empty() {
        out.push(FieldError::required(&field.child("registry"), PAIRS));
    } else if source.str_at(&["tenant"]).len() >= TENANT_TOO_LONG {
        let why = "must be a UUID and may not exceed a length of 64 characters";
        out.push(FieldError::required(&field.child("tenant"), why));
    } else {
        let wrong = registry.split(',').filter(|pair| !is_host_and_port(pair));
        out.extend(wrong.map(|_| FieldError::invalid(&field.child("registry"), registry, PAIRS)));
    }
    out.extend(needed(field, source, "volume"));
    out
}

/// What Go's `net.SplitHostPort` takes.
fn is_host_and_port(pair: &str) -> bool {
    let Some((host, port)) = pair.rsplit_once(':') else { return false };
    let strange = |text: &str, marks: &[char]| text.contains(marks);
    match host.strip_prefix('[') {
        Some(inner) => {
            let address = inner.strip_suffix(']');
            address.is_some_and(|address| !strange(address, &['[', ']'])) && !strange(port, &['[', ']'])
        }
        None => !strange(host, &[':', '[', ']']) && !strange(port, &['[', ']']),
    }
}

pub(super) fn fc(field: &FieldPath, source: &Document) -> FieldErrors {
    let at = field.child("targetWWNs");
    let targets = source.get("targetWWNs").filter(|targets| !targets.is_empty());
    let by_id = !source.array_at(&["wwids"]).is_empty();
    let mut out = FieldErrors::new();
    match targets {
        None if !by_id => {
            out.push(FieldError::required(&at, "must specify either targetWWNs or wwids, but not both"));
        }
        Some(targets) if by_id => {
            let why = "targetWWNs and wwids can not be specified simultaneously";
            out.push(FieldError::invalid(&at, targets, why));
        }
        _ => {}
    }
    if targets.is_some() {
        out.extend(match source.i64_at(&["lun"]) {
            Some(number) => lun(field, number),
            None => {
                let why = "lun is required if targetWWNs is specified";
                Some(FieldError::required(&field.child("lun"), why))
            }
        });
    }
    out
}

fn lun(field: &FieldPath, number: i64) -> Option<FieldError> {
    let fits = (0..=MAX_LUN).contains(&number);
    (!fits).then(|| FieldError::invalid(&field.child("lun"), number, names::range_text(0, MAX_LUN)))
}

pub(super) fn iscsi(field: &FieldPath, source: &Document, volume: &str) -> FieldErrors {
    let portal = source.str_at(&["targetPortal"]);
    let initiator = source.get("initiatorName").and_then(Document::as_str);
    let mut out = needed_all(field, source, &["targetPortal"]);
    if initiator.is_some() && volume.len() + 1 + portal.len() > MAX_INTERFACE {
        let why = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.";
        out.push(FieldError::invalid(&field.child("targetportal"), portal, why));
    }
    let name = source.str_at(&["iqn"]);
    if name.is_empty() {
        out.extend(needed(field, source, "iqn"));
    } else {
        out.extend(qualified_name(&field.child("iqn"), name));
    }
    out.extend(lun(field, source.i64_at(&["lun"]).unwrap_or(0)));
    let chap = ["chapAuthDiscovery", "chapAuthSession"];
    let chap = chap.into_iter().any(|name| source.bool_at(&[name]) == Some(true));
    match given(source, "secretRef") {
        Some(secret) => out.extend(needed(&field.child("secretRef"), secret, "name")),
        None => out.extend(chap.then(|| FieldError::required(&field.child("secretRef"), ""))),
    }
    out.extend(initiator.and_then(|name| qualified_name(&field.child("initiatorname"), name)));
    out
}

fn qualified_name(field: &FieldPath, name: &str) -> Option<FieldError> {
    (!is_qualified_name(name)).then(|| FieldError::invalid(field, name, "must be valid format"))
}

/// A name of an iSCSI node in one of its three forms (RFC 3720, RFC 3980).
fn is_qualified_name(name: &str) -> bool {
    let hexadecimal = |digits: usize| {
        // upstream's pattern takes any character for the dot
        let rest: Vec<char> = name.chars().skip(4).collect();
        rest.len() == digits && rest.iter().all(char::is_ascii_alphanumeric)
    };
    match name.get(..3) {
        // upstream's pattern may start anywhere
        Some("iqn") => name.match_indices("iqn.").any(|(at, start)| is_iqn(&name[at + start.len()..])),
        Some("eui") => hexadecimal(16),
        Some("naa") => hexadecimal(32),
        _ => false,
    }
}

/// `YEAR-MONTH.AUTHORITY:NAME`, what follows `iqn.`.
fn is_iqn(text: &str) -> bool {
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    let Some((date, rest)) = text.split_once('.') else { return false };
    let Some((year, month)) = date.split_once('-') else { return false };
    let Some((authority, name)) = rest.split_once(':') else { return false };
    digits(year, 4)
        && digits(month, 2)
        && !authority.is_empty()
        && authority.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
        && !name.is_empty()
        && !name.contains([',', ';', '*', '&', '$', '|', '\t', '\n', '\x0c', '\r', ' '])
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn sources_over_a_network_say_where_they_are() {
        type Rule = fn(&FieldPath, &Document) -> FieldErrors;
        let cases: [(&str, Rule, Document, &[&str]); 11] = [
            (
                "nfs",
                nfs,
                doc!({"server": "s", "path": "a"}),
                &[r#"s.path: Invalid value: "a": must be an absolute path"#],
            ),
            (
                "glusterfs",
                glusterfs,
                doc!({"endpoints": "e", "path": "p", "endpointsNamespace": ""}),
                &[
                    r#"s.endpointsNamespace: Invalid value: "": if the endpointnamespace is set, it must be a valid namespace name"#,
                ],
            ),
            ("rbd", rbd, doc!({}), &["s.monitors: Required value", "s.image: Required value"]),
            ("cephfs", cephfs, doc!({}), &["s.monitors: Required value"]),
            ("quobyte", quobyte, doc!({"registry": "h:1,[::1]:2", "volume": "v"}), &[]),
            (
                "quobyte pair",
                quobyte,
                doc!({"registry": "h:1,::1:2", "volume": "v"}),
                &[
                    r#"s.registry: Invalid value: "h:1,::1:2": must be a host:port pair or multiple pairs separated by commas"#,
                ],
            ),
            (
                "fc",
                fc,
                doc!({"targetWWNs": ["t"], "wwids": ["w"], "lun": 256}),
                &[
                    r#"s.targetWWNs: Invalid value: ["t"]: targetWWNs and wwids can not be specified simultaneously"#,
                    "s.lun: Invalid value: 256: must be between 0 and 255, inclusive",
                ],
            ),
            (
                "fc without",
                fc,
                doc!({}),
                &["s.targetWWNs: Required value: must specify either targetWWNs or wwids, but not both"],
            ),
            (
                "fc unit",
                fc,
                doc!({"targetWWNs": ["t"]}),
                &["s.lun: Required value: lun is required if targetWWNs is specified"],
            ),
            (
                "iscsi",
                |field, source| iscsi(field, source, "v"),
                doc!({"targetPortal": "p", "iqn": "iqn.2001-04.com.example:storage", "chapAuthSession": true}),
                &["s.secretRef: Required value"],
            ),
            (
                "iscsi initiator",
                |field, source| iscsi(field, source, &"v".repeat(63)),
                doc!({"targetPortal": "p", "iqn": "eui.1", "initiatorName": "x", "secretRef": {}}),
                &[
                    r#"s.targetportal: Invalid value: "p": Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified."#,
                    r#"s.iqn: Invalid value: "eui.1": must be valid format"#,
                    "s.secretRef.name: Required value",
                    r#"s.initiatorname: Invalid value: "x": must be valid format"#,
                ],
            ),
        ];
        for (name, rule, source, expected) in cases {
            let errors = rule(&FieldPath::new("s"), &source);
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(texts, expected, "{name}");
        }
    }

    #[test]
    fn names_of_iscsi_nodes_have_three_forms() {
        for name in
            ["iqn.2001-04.com.example:a.b:c", "eui.0123456789abcdef", "naa.0123456789abcdef0123456789abcdef"]
        {
            assert!(is_qualified_name(name), "{name}");
        }
        for name in ["iqn.2001-04.com.example", "iqn.2001.com:x", "iqn.2001-04.a:b c", "eui.1", "abc.1", "iq"]
        {
            assert!(!is_qualified_name(name), "{name}");
        }
    }
}
