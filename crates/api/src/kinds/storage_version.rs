//! StorageVersions: in which version each API server stores a resource (KEP-2339).

use super::cells;
use crate::strategy::UpdateScope;
use crate::validation::{invalid, names};
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::HashMap;

/// `internal.apiserver.k8s.io StorageVersion`.
pub(crate) struct StorageVersion;

/// Servers that a row names.
const SHOWN_SERVERS: usize = 3;

impl Strategy for StorageVersion {
    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        false
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let name = object.name();
        let mut out = invalid(&FieldPath::new("metadata.name"), name, object_name(name));
        out.extend(status(object));
        out
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, _old: &Document) -> FieldErrors {
        match scope {
            // There is nothing in the specification.
            UpdateScope::Main => FieldErrors::new(),
            UpdateScope::Status => status(new),
        }
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::text("CommonEncodingVersion"),
            Column::text("StorageVersions"),
            Column::age(),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let common = object.at(&["status", "commonEncodingVersion"]).and_then(Document::as_str);
        let servers = object.array_at(&["status", "storageVersions"]);
        let shown: Vec<String> = servers
            .iter()
            .take(SHOWN_SERVERS)
            .map(|server| {
                format!("{}={}", server.str_at(&["apiServerID"]), server.str_at(&["encodingVersion"]))
            })
            .collect();
        let mut shown = shown.join(",");
        if servers.len() > SHOWN_SERVERS {
            shown.push_str(&format!(" + {} more...", servers.len() - SHOWN_SERVERS));
        }
        vec![
            cells::name(object),
            common.unwrap_or(cells::UNSET).into(),
            shown.into(),
            cells::age(object, now),
        ]
    }
}

/// `GROUP.RESOURCE`.
fn object_name(name: &str) -> Vec<String> {
    let Some((group, resource)) = name.rsplit_once('.') else {
        return vec!["name must be in the form of <group>.<resource>".to_owned()];
    };
    let group = names::dns1123_subdomain(group).into_iter().map(|why| format!("the group segment {why}"));
    let resource =
        names::dns1035_label(resource).into_iter().map(|why| format!("the resource segment {why}"));
    group.chain(resource).collect()
}

fn status(object: &Document) -> FieldErrors {
    let field = FieldPath::new("status");
    let servers = object.array_at(&["status", "storageVersions"]);
    let mut out = FieldErrors::new();
    for (i, server) in servers.iter().enumerate() {
        out.extend(server_version(&field.child("storageVersions").index(i), server));
    }
    let told = object.at(&["status", "commonEncodingVersion"]).and_then(Document::as_str);
    out.extend(common_version(&field.child("commonEncodingVersion"), servers, told));
    out.extend(conditions(&field, object.array_at(&["status", "conditions"])));
    out
}

fn server_version(field: &FieldPath, server: &Document) -> FieldErrors {
    let id = server.str_at(&["apiServerID"]);
    let encoding = server.str_at(&["encodingVersion"]);
    let mut out = invalid(&field.child("apiServerID"), id, names::dns1123_subdomain(id));
    out.extend(api_version(&field.child("encodingVersion"), encoding));
    let field = field.child("decodableVersions");
    let decodable = server.array_at(&["decodableVersions"]);
    for (i, version) in decodable.iter().enumerate() {
        out.extend(api_version(&field.index(i), version.as_str().unwrap_or("")));
    }
    if !decodable.iter().any(|version| version.as_str().unwrap_or("") == encoding) {
        let why = format!("decodableVersions must include encodingVersion {encoding}");
        out.push(FieldError::invalid(&field, server.get("decodableVersions").cloned(), why));
    }
    out
}

/// The version that all servers store in, if there is one, is told.
fn common_version(field: &FieldPath, servers: &[Document], told: Option<&str>) -> Option<FieldError> {
    let mut versions = servers.iter().map(|server| server.str_at(&["encodingVersion"]));
    let actual = versions.next().filter(|first| versions.all(|version| version == *first));
    let why = match (actual, told) {
        (None, None) => return None,
        (None, Some(_)) => {
            "should be nil if servers do not agree on the same encoding version, or if there is no server reporting the supported versions yet".to_owned()
        }
        (Some(actual), None) => format!("the common encoding version is {actual}"),
        (Some(actual), Some(told)) if actual == told => return None,
        (Some(actual), Some(_)) => format!("the actual common encoding version is {actual}"),
    };
    Some(FieldError::invalid(field, told, why))
}

/// Upstream names the status and not its conditions.
fn conditions(field: &FieldPath, conditions: &[Document]) -> FieldErrors {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut out = FieldErrors::new();
    for (i, condition) in conditions.iter().enumerate() {
        let field = field.index(i);
        let ty = condition.str_at(&["type"]);
        if let Some(first) = seen.insert(ty, i) {
            let why =
                format!("the type of the condition is not unique, it also appears in conditions[{first}]");
            out.push(FieldError::invalid(&field.child("type"), ty, why));
        }
        out.extend(invalid(&field.child("type"), ty, names::qualified_name(ty)));
        // Upstream shows the type here.
        let status = names::qualified_name(condition.str_at(&["status"]));
        out.extend(invalid(&field.child("status"), ty, status));
        for name in ["reason", "message"] {
            if condition.str_at(&[name]).is_empty() {
                out.push(FieldError::required(&field.child(name), format!("{name} cannot be empty")));
            }
        }
    }
    out
}

/// All complaints about an `apiVersion` in one error.
fn api_version(field: &FieldPath, text: &str) -> Option<FieldError> {
    let complaints = api_version_complaints(text);
    (!complaints.is_empty()).then(|| FieldError::invalid(field, text, complaints.join(",")))
}

fn api_version_complaints(text: &str) -> Vec<String> {
    let (group, version) = text.split_once('/').map_or((None, text), |(group, rest)| (Some(group), rest));
    if version.contains('/') {
        let rule = names::pattern_text(
            "a DNS-1035 label, which must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
            "[a-z]([-a-z0-9]*[a-z0-9])?",
            &["my-name", "abc-123"],
        );
        return vec![format!(
            "an apiVersion is {rule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyVersion')"
        )];
    }
    let part = |name: &str, text: &str, rule: fn(&str) -> Vec<String>| -> Vec<String> {
        let complaints = if text.is_empty() { vec!["must be non-empty".to_owned()] } else { rule(text) };
        complaints.into_iter().map(|why| format!("{name} part: {why}")).collect()
    };
    let mut out = group.map(|group| part("group", group, names::dns1123_subdomain)).unwrap_or_default();
    out.extend(part("version", version, names::dns1035_label));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    fn server(id: &str, version: &str) -> Document {
        doc!({"apiServerID": id, "encodingVersion": version, "decodableVersions": [version]})
    }

    #[test]
    fn names_are_of_groups_and_resources() {
        let of = |name: &str| texts(&StorageVersion.validate_create(&doc!({"metadata": {"name": name}})));
        assert_eq!(of("apps.deployments"), Vec::<String>::new());
        assert_eq!(
            of("deployments"),
            [
                r#"metadata.name: Invalid value: "deployments": name must be in the form of <group>.<resource>"#
            ]
        );
    }

    #[test]
    fn servers_agree_on_what_is_told() {
        let told = |servers: Vec<Document>, common: Option<&str>| {
            let object = doc!({"status": {"storageVersions": servers, "commonEncodingVersion": common}});
            texts(&StorageVersion.validate_update(UpdateScope::Status, &object, &object))
        };
        assert_eq!(
            told(vec![server("a", "apps/v1"), server("b", "apps/v1")], Some("apps/v1")),
            Vec::<String>::new()
        );
        assert_eq!(
            told(vec![server("a", "apps/v1"), server("b", "apps/v2")], Some("apps/v1")),
            [
                r#"status.commonEncodingVersion: Invalid value: "apps/v1": should be nil if servers do not agree on the same encoding version, or if there is no server reporting the supported versions yet"#
            ]
        );
        assert_eq!(
            told(vec![server("a", "v1")], None),
            ["status.commonEncodingVersion: Invalid value: null: the common encoding version is v1"]
        );
        assert_eq!(
            told(vec![server("a", "/")], Some("/")),
            [
                r#"status.storageVersions[0].encodingVersion: Invalid value: "/": group part: must be non-empty,version part: must be non-empty"#,
                r#"status.storageVersions[0].decodableVersions[0]: Invalid value: "/": group part: must be non-empty,version part: must be non-empty"#,
            ]
        );
    }

    #[test]
    fn conditions_say_why() {
        let given = [
            doc!({"type": "A", "status": "True", "reason": "r", "message": "m"}),
            doc!({"type": "A", "status": "True"}),
        ];
        assert_eq!(
            texts(&conditions(&FieldPath::new("status"), &given)),
            [
                r#"status[1].type: Invalid value: "A": the type of the condition is not unique, it also appears in conditions[0]"#,
                "status[1].reason: Required value: reason cannot be empty",
                "status[1].message: Required value: message cannot be empty",
            ]
        );
    }

    #[test]
    fn rows_name_three_servers() {
        let servers: Vec<Document> = ["a", "b", "c", "d"].map(|id| server(id, "v1")).to_vec();
        let object = doc!({"metadata": {"name": "n"}, "status": {"storageVersions": servers}});
        let cells = StorageVersion.cells(&object, Timestamp::UNIX_EPOCH);
        assert_eq!(cells[1..3], [Document::from("<unset>"), Document::from("a=v1,b=v1,c=v1 + 1 more...")]);
    }
}
