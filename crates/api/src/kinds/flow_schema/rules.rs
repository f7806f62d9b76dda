//! What is wrong with a rule of a FlowSchema: whom it is about, and which requests.

use crate::validation::{invalid, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

const VERBS: [&str; 9] =
    ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];
const SUBJECT_KINDS: [&str; 3] = ["Group", "ServiceAccount", "User"];
/// Subject kinds and the fields that describe them, in the order in which wrong ones are told.
const SUBJECTS: [(&str, &str); 3] =
    [("ServiceAccount", "serviceAccount"), ("User", "user"), ("Group", "group")];
const ANY: &str = "*";

/// What is wrong with the rule.
pub(super) fn errors(field: &FieldPath, rule: &Document) -> FieldErrors {
    let list = |key: &str| rule.array_at(&[key]);
    let mut out = FieldErrors::new();
    if list("subjects").is_empty() {
        let why = "subjects must contain at least one value";
        out.push(FieldError::required(&field.child("subjects"), why));
    }
    for (i, one) in list("subjects").iter().enumerate() {
        out.extend(subject(&field.child("subjects").index(i), one));
    }
    if list("resourceRules").is_empty() && list("nonResourceRules").is_empty() {
        let why = "at least one of resourceRules and nonResourceRules has to be non-empty";
        out.push(FieldError::required(field, why));
    }
    for (i, one) in list("resourceRules").iter().enumerate() {
        out.extend(resource_rule(&field.child("resourceRules").index(i), one));
    }
    for (i, one) in list("nonResourceRules").iter().enumerate() {
        out.extend(path_rule(&field.child("nonResourceRules").index(i), one));
    }
    out
}

fn subject(field: &FieldPath, subject: &Document) -> FieldErrors {
    let kind = subject.str_at(&["kind"]);
    let Some((_, own)) = SUBJECTS.iter().find(|(known, _)| *known == kind) else {
        return vec![FieldError::not_supported(&field.child("kind"), kind, &SUBJECT_KINDS)];
    };
    let given = |key: &str| subject.get(key).filter(|value| !value.is_null());
    let mut out = match given(own) {
        Some(described) => description(&field.child(own), kind, described),
        None => {
            let why = format!("{own} is required when subject kind is '{kind}'");
            vec![FieldError::required(&field.child(own), why)]
        }
    };
    for (other, key) in SUBJECTS.iter().filter(|(known, _)| *known != kind) {
        if given(key).is_some() {
            let why = format!("{key} is forbidden when subject kind is not '{other}'");
            out.push(FieldError::forbidden(&field.child(key), why));
        }
    }
    out
}

fn description(field: &FieldPath, kind: &str, described: &Document) -> FieldErrors {
    let name = described.str_at(&["name"]);
    let mut out = FieldErrors::new();
    if name.is_empty() {
        out.push(FieldError::required(&field.child("name"), ""));
    }
    if kind != "ServiceAccount" {
        return out;
    }
    if !name.is_empty() && name != ANY {
        out.extend(invalid(&field.child("name"), name, names::dns1123_subdomain(name)));
    }
    let (place, namespace) = (field.child("namespace"), described.str_at(&["namespace"]));
    if namespace.is_empty() {
        out.push(FieldError::required(&place, "must specify namespace for service account"));
    } else {
        out.extend(invalid(&place, namespace, names::dns1123_label(namespace)));
    }
    out
}

fn resource_rule(field: &FieldPath, rule: &Document) -> FieldErrors {
    let mut out: FieldErrors = verbs(&field.child("verbs"), rule.array_at(&["verbs"])).into_iter().collect();
    for (key, what, others) in
        [("apiGroups", "api group", "api groups"), ("resources", "resource", "resources")]
    {
        let (place, list) = (field.child(key), rule.array_at(&[key]));
        if list.is_empty() {
            out.push(FieldError::required(&place, format!("resource rules must supply at least one {what}")));
        } else {
            out.extend(lonely(&place, list, others));
        }
    }
    let (place, namespaces) = (field.child("namespaces"), rule.array_at(&["namespaces"]));
    if namespaces.is_empty() && rule.bool_at(&["clusterScope"]) != Some(true) {
        let why = "resource rules that are not cluster scoped must supply at least one namespace";
        out.push(FieldError::required(&place, why));
    } else if has_any(namespaces) {
        out.extend(lonely(&place, namespaces, "namespaces"));
    } else {
        for (i, namespace) in namespaces.iter().filter_map(Document::as_str).enumerate() {
            let intro = "each member of this list must be '*' or a DNS-1123 label; ";
            let complaints = names::dns1123_label(namespace).into_iter().map(|why| format!("{intro}{why}"));
            out.extend(invalid(&place.index(i), namespace, complaints.collect()));
        }
    }
    out
}

fn path_rule(field: &FieldPath, rule: &Document) -> FieldErrors {
    let mut out: FieldErrors = verbs(&field.child("verbs"), rule.array_at(&["verbs"])).into_iter().collect();
    let (place, paths) = (field.child("nonResourceURLs"), rule.array_at(&["nonResourceURLs"]));
    if paths.is_empty() {
        out.push(FieldError::required(&place, "nonResourceURLs must contain at least one value"));
    } else if has_any(paths) {
        out.extend(lonely(&place, paths, "non-resource URLs"));
    } else {
        for (i, path) in paths.iter().filter_map(Document::as_str).enumerate() {
            out.extend(path_problem(path).map(|why| FieldError::invalid(&place.index(i), path, why)));
        }
    }
    out
}

fn verbs(field: &FieldPath, verbs: &[Document]) -> Option<FieldError> {
    if verbs.is_empty() {
        return Some(FieldError::required(field, "verbs must contain at least one value"));
    }
    if has_any(verbs) {
        return lonely(field, verbs, "verbs");
    }
    let known = |verb: &Document| verb.as_str().is_some_and(|verb| VERBS.contains(&verb));
    (!verbs.iter().all(known)).then(|| FieldError::not_supported(field, verbs.to_vec(), &VERBS))
}

/// A wildcard stands alone.
fn lonely(field: &FieldPath, list: &[Document], others: &str) -> Option<FieldError> {
    (list.len() > 1 && has_any(list)).then(|| {
        let why = format!("if '*' is present, must not specify other {others}");
        FieldError::invalid(field, list.to_vec(), why)
    })
}

fn has_any(list: &[Document]) -> bool {
    list.iter().any(|one| one.as_str() == Some(ANY))
}

fn path_problem(path: &str) -> Option<&'static str> {
    let wildcards = path.matches('*').count();
    if path.is_empty() {
        Some("must not be empty")
    } else if path == "/" {
        None
    } else if !path.starts_with('/') {
        Some("must start with slash")
    } else if path.contains(' ') {
        Some("must not contain white-space")
    } else if path.contains("//") {
        Some("must not contain double slash")
    } else if wildcards > 1 || (wildcards == 1 && !path.ends_with("/*")) {
        Some("wildcard can only do suffix matching")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn complaints(rule: Document) -> Vec<String> {
        errors(&FieldPath::new("r"), &rule).iter().map(ToString::to_string).collect()
    }

    fn about(subject: Document) -> Document {
        doc!({
            "subjects": [subject],
            "resourceRules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "clusterScope": true}]
        })
    }

    fn of_paths(rule: Document) -> Document {
        doc!({"subjects": [{"kind": "Group", "group": {"name": "a"}}], "nonResourceRules": [rule]})
    }

    #[test]
    fn subjects_are_described_by_the_field_of_their_kind() {
        let cases = [
            (doc!({"kind": "Group", "group": {"name": "*"}}), vec![]),
            (
                doc!({"kind": "ServiceAccount", "serviceAccount": {"name": "*", "namespace": "a"}, "user": {"name": "x"}}),
                vec!["r.subjects[0].user: Forbidden: user is forbidden when subject kind is not 'User'"],
            ),
            (
                doc!({"kind": "ServiceAccount", "serviceAccount": {"name": ""}}),
                vec![
                    "r.subjects[0].serviceAccount.name: Required value",
                    "r.subjects[0].serviceAccount.namespace: Required value: must specify namespace for service account",
                ],
            ),
            (
                doc!({"kind": "User", "group": {"name": "x"}}),
                vec![
                    "r.subjects[0].user: Required value: user is required when subject kind is 'User'",
                    "r.subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group'",
                ],
            ),
            (
                doc!({"kind": "Robot"}),
                vec![
                    r#"r.subjects[0].kind: Unsupported value: "Robot": supported values: "Group", "ServiceAccount", "User""#,
                ],
            ),
        ];
        for (subject, expected) in cases {
            assert_eq!(complaints(about(subject.clone())), expected, "{subject}");
        }
    }

    #[test]
    fn a_rule_says_something_about_requests() {
        assert_eq!(
            complaints(doc!({})),
            [
                "r.subjects: Required value: subjects must contain at least one value",
                "r: Required value: at least one of resourceRules and nonResourceRules has to be non-empty",
            ]
        );
        let rule = doc!({
            "subjects": [{"kind": "User", "user": {"name": "a"}}],
            "resourceRules": [
                {"verbs": ["*", "get"], "apiGroups": [], "resources": ["*", "pods"], "namespaces": ["*", "a"]},
                {"verbs": ["fly"], "apiGroups": [""], "resources": ["pods"]}
            ]
        });
        assert_eq!(
            complaints(rule),
            [
                r#"r.resourceRules[0].verbs: Invalid value: ["*","get"]: if '*' is present, must not specify other verbs"#,
                "r.resourceRules[0].apiGroups: Required value: resource rules must supply at least one api group",
                r#"r.resourceRules[0].resources: Invalid value: ["*","pods"]: if '*' is present, must not specify other resources"#,
                r#"r.resourceRules[0].namespaces: Invalid value: ["*","a"]: if '*' is present, must not specify other namespaces"#,
                r#"r.resourceRules[1].verbs: Unsupported value: ["fly"]: supported values: "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch""#,
                "r.resourceRules[1].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace",
            ]
        );
    }

    #[test]
    fn paths_are_absolute_and_end_in_their_wildcard() {
        for path in ["/", "/healthz", "/openapi/*", "*"] {
            let rule = of_paths(doc!({"verbs": ["get"], "nonResourceURLs": [path]}));
            assert_eq!(complaints(rule), Vec::<String>::new(), "{path}");
        }
        let cases = [
            ("", "must not be empty"),
            ("healthz", "must start with slash"),
            ("/health z", "must not contain white-space"),
            ("/a//b", "must not contain double slash"),
            ("/a*", "wildcard can only do suffix matching"),
            ("/*/*", "wildcard can only do suffix matching"),
        ];
        for (path, why) in cases {
            let rule = of_paths(doc!({"verbs": ["get"], "nonResourceURLs": [path]}));
            let expected =
                format!("r.nonResourceRules[0].nonResourceURLs[0]: Invalid value: {path:?}: {why}");
            assert_eq!(complaints(rule), [expected]);
        }
    }
}
