//! What is wrong with the versions of a definition. Upstream's server holds what all versions share once for all of them, so
//! that paths of errors tell whether it is shared.

use super::{columns, names, schema, selectable, subresources};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, doc};
use std::collections::HashSet;

/// Longest warning that a version is deprecated.
const MAX_WARNING: usize = 256;

/// What is the same in all versions.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shared {
    pub(super) schema: bool,
    subresources: bool,
    columns: bool,
    selectable: bool,
}

impl Shared {
    pub(super) fn of(spec: &Document) -> Self {
        let versions = versions(spec);
        let Some(first) = versions.first() else { return Self::default() };
        let value =
            |version: &Document, key: &str| version.get(key).filter(|value| !value.is_null()).cloned();
        let list = |version: &Document, key: &str| version.array_at(&[key]).to_vec();
        let same = |key: &str| versions.iter().all(|version| value(version, key) == value(first, key));
        let same_list = |key: &str| versions.iter().all(|version| list(version, key) == list(first, key));
        let schema = same("schema");
        Self {
            schema,
            subresources: same("subresources"),
            columns: same_list("additionalPrinterColumns"),
            selectable: schema && same_list("selectableFields"),
        }
    }
}

fn versions(spec: &Document) -> &[Document] {
    spec.array_at(&["versions"])
}

fn schema_of(version: &Document) -> Option<&Document> {
    version.at(&["schema", "openAPIV3Schema"]).filter(|schema| !schema.is_null())
}

fn has_status(version: &Document) -> bool {
    version.at(&["subresources", "status"]).is_some_and(|status| !status.is_null())
}

/// The schemas of the versions, in order.
pub(super) fn schemas(spec: &Document) -> Vec<Option<&Document>> {
    versions(spec).iter().map(schema_of).collect()
}

/// What is wrong with the versions, what they share aside.
pub(super) fn errors(field: &FieldPath, spec: &Document, old: Option<&Document>) -> FieldErrors {
    let shared = Shared::of(spec);
    let place = field.child("versions");
    let mut out = FieldErrors::new();
    for (i, version) in versions(spec).iter().enumerate() {
        if schema_of(version).is_none() {
            let place = place.index(i).child("schema").child("openAPIV3Schema");
            out.push(FieldError::required(&place, "schemas are required"));
        }
    }
    let defaults = schemas(spec).into_iter().flatten().any(schema::has_defaults);
    if defaults && spec.bool_at(&["preserveUnknownFields"]) == Some(true) {
        let why = "must be false in order to use defaults in the schema";
        out.push(FieldError::invalid(&field.child("preserveUnknownFields"), true, why));
    }
    for (i, version) in versions(spec).iter().enumerate() {
        let place = place.index(i);
        out.extend(names::label(&place.child("name"), version.str_at(&["name"])));
        out.extend(version_errors(&place, version, old_version(old, version), shared));
    }
    out.extend(counts(&place, spec, shared));
    // The first version was once a field of its own.
    if let Some(first) = versions(spec).first().map(|first| first.str_at(&["name"])) {
        out.extend(names::label(&field.child("version"), first).filter(|_| !first.is_empty()));
    }
    out
}

/// What is wrong with what all versions share.
pub(super) fn shared_errors(field: &FieldPath, spec: &Document, old: Option<&Document>) -> FieldErrors {
    let shared = Shared::of(spec);
    let Some(first) = versions(spec).first() else { return FieldErrors::new() };
    let before = old_version(old, first);
    let mut out = FieldErrors::new();
    if shared.schema
        && let Some(schema) = schema_of(first)
    {
        let place = field.child("validation");
        let any_status = versions(spec).iter().any(has_status);
        out.extend(schema::errors(&place, schema, any_status, before.and_then(schema_of)));
    }
    if shared.subresources {
        out.extend(subresources::errors(&field.child("subresources"), &first["subresources"]));
    }
    if shared.columns {
        out.extend(columns::errors(&field.child("additionalPrinterColumns"), first));
    }
    if shared.selectable {
        out.extend(selectable::errors(&field.child("selectableFields"), first, schema_of(first), before));
    }
    out
}

/// The version of the same name that there was.
fn old_version<'o>(old: Option<&'o Document>, version: &Document) -> Option<&'o Document> {
    let name = version.str_at(&["name"]);
    old.and_then(|old| versions(old).iter().find(|known| known.str_at(&["name"]) == name))
}

fn version_errors(
    field: &FieldPath,
    version: &Document,
    old: Option<&Document>,
    shared: Shared,
) -> FieldErrors {
    let mut out = deprecation(&field.child("deprecationWarning"), version);
    let own_schema = schema_of(version).filter(|_| !shared.schema);
    if let Some(schema) = own_schema {
        let place = field.child("schema");
        out.extend(schema::errors(&place, schema, has_status(version), old.and_then(schema_of)));
    }
    if !shared.subresources {
        out.extend(subresources::errors(&field.child("subresources"), &version["subresources"]));
    }
    if !shared.columns {
        out.extend(columns::errors(&field.child("additionalPrinterColumns"), version));
    }
    if !shared.selectable && !version.array_at(&["selectableFields"]).is_empty() {
        let place = field.child("selectableFields");
        if own_schema.is_some() {
            out.extend(selectable::errors(&place, version, own_schema, old));
        } else {
            let why = "may only be set when `version.schema.openAPIV3Schema` is not included";
            out.push(FieldError::invalid(&place, "", why));
        }
    }
    out
}

fn deprecation(field: &FieldPath, version: &Document) -> FieldErrors {
    let Some(warning) = version.get("deprecationWarning").and_then(Document::as_str) else {
        return FieldErrors::new();
    };
    let mut out = FieldErrors::new();
    let mut wrong = |why: String| out.push(FieldError::invalid(field, warning, why));
    if version.bool_at(&["deprecated"]) != Some(true) {
        wrong("can only be set for deprecated versions".to_owned());
        return out;
    }
    if warning.len() > MAX_WARNING {
        wrong(format!("must be <= {MAX_WARNING} characters long"));
    }
    if warning.is_empty() {
        wrong("must not be an empty string".to_owned());
    }
    // Of spaces, only the plain one is printable.
    let unprintable = |(_, c): &(usize, char)| c.is_control() || (c.is_whitespace() && *c != ' ');
    if let Some((i, _)) = warning.char_indices().find(unprintable) {
        wrong(format!(
            "must only contain printable UTF-8 characters; non-printable character found at index {i}"
        ));
    }
    out
}

/// Names come once, and one version is stored.
fn counts(field: &FieldPath, spec: &Document, shared: Shared) -> FieldErrors {
    let versions = versions(spec);
    let names: HashSet<&str> = versions.iter().map(|version| version.str_at(&["name"])).collect();
    let stored = versions.iter().filter(|version| version.bool_at(&["storage"]) == Some(true)).count();
    let refusal = |why: &str| {
        let shown: Document = versions.iter().map(|version| shown(version, shared)).collect();
        FieldError::invalid(field, shown, why)
    };
    let mut out = FieldErrors::new();
    if names.len() < versions.len() {
        out.push(refusal("must contain unique version names"));
    }
    if stored != 1 {
        out.push(refusal("must have exactly one version marked as storage version"));
    }
    out
}

/// A version under the names that its fields have inside upstream's server; what all versions share is not part of it.
fn shown(version: &Document, shared: Shared) -> Document {
    let own = |key: &str, shared: bool| version.get(key).filter(|_| !shared).cloned();
    let flag = |key: &str| version.bool_at(&[key]).unwrap_or(false);
    doc!({
        "Name": version.str_at(&["name"]), "Served": flag("served"), "Storage": flag("storage"),
        "Deprecated": flag("deprecated"), "DeprecationWarning": version.get("deprecationWarning").cloned(),
        "Schema": own("schema", shared.schema), "Subresources": own("subresources", shared.subresources),
        "AdditionalPrinterColumns": own("additionalPrinterColumns", shared.columns),
        "SelectableFields": own("selectableFields", shared.selectable)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(name: &str, storage: bool) -> Document {
        doc!({
            "name": name, "served": true, "storage": storage, "schema": {"openAPIV3Schema": {"type": "object"}}
        })
    }

    fn complaints(versions: Document) -> Vec<String> {
        let (field, spec) = (FieldPath::new("spec"), doc!({"versions": versions}));
        let mut out = errors(&field, &spec, None);
        out.extend(shared_errors(&field, &spec, None));
        out.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn one_of_the_versions_is_stored() {
        assert_eq!(complaints(doc!([(version("v1", true)), (version("v2", false))])), Vec::<String>::new());
        let shown = |storage: bool| {
            format!(
                r#"{{"Name":"v1","Served":true,"Storage":{storage},"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources":null,"AdditionalPrinterColumns":null,"SelectableFields":null}}"#
            )
        };
        assert_eq!(
            complaints(doc!([(version("v1", false))])),
            [format!(
                "spec.versions: Invalid value: [{}]: must have exactly one version marked as storage version",
                shown(false)
            )]
        );
        assert_eq!(
            complaints(doc!([(version("v1", true)), (version("v1", false))])),
            [format!(
                "spec.versions: Invalid value: [{},{}]: must contain unique version names",
                shown(true),
                shown(false)
            )]
        );
    }

    #[test]
    fn paths_tell_whether_schemas_are_shared() {
        let mut broken = version("v1", true);
        broken.set(&["schema", "openAPIV3Schema"], doc!({"type": "object", "properties": {"spec": {}}}));
        let why = "openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields";
        assert_eq!(complaints(doc!([(broken.clone())])), [format!("spec.validation.{why}")]);
        assert_eq!(
            complaints(doc!([broken, (version("v2", false))])),
            [format!("spec.versions[0].schema.{why}")]
        );
        assert_eq!(
            complaints(doc!([{"name": "v1", "storage": true}])),
            ["spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required"]
        );
    }

    #[test]
    fn deprecations_are_told_in_one_printable_line() {
        let of = |deprecated: bool, warning: &str| {
            let mut version = version("v1", true);
            version.insert("deprecated", deprecated);
            version.insert("deprecationWarning", warning);
            complaints(doc!([version])).join("; ")
        };
        assert_eq!(of(true, "use v2"), "");
        let at = "spec.versions[0].deprecationWarning: Invalid value:";
        assert_eq!(of(false, "x"), format!(r#"{at} "x": can only be set for deprecated versions"#));
        assert_eq!(of(true, ""), format!(r#"{at} "": must not be an empty string"#));
        assert_eq!(
            of(true, "a\nb"),
            format!(
                r#"{at} "a\nb": must only contain printable UTF-8 characters; non-printable character found at index 1"#
            )
        );
    }
}
