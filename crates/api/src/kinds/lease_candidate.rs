//! LeaseCandidates: servers that would lead, and which versions they are (KEP-4355).

use super::cells;
use super::lease;
use super::semantic_version::SemanticVersion;
use crate::strategy::UpdateScope;
use crate::validation::immutable;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `coordination.k8s.io LeaseCandidate`.
pub(crate) struct LeaseCandidate;

const OLDEST: &str = "OldestEmulationVersion";

impl Strategy for LeaseCandidate {
    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("spec");
        let mut out = FieldErrors::new();
        if object.str_at(&["spec", "leaseName"]).is_empty() {
            out.push(FieldError::required(&field.child("leaseName"), ""));
        }
        out.extend(versions(&field, object));
        out.extend(strategy(&field, object));
        out
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = self.validate_create(new);
        let path = ["spec", "leaseName"];
        out.extend(immutable(&FieldPath::new("spec.leaseName"), new.at(&path), old.at(&path)));
        out
    }

    fn allow_create_on_update(&self) -> bool {
        true
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::text("LeaseName"),
            Column::text("BinaryVersion"),
            Column::text("EmulationVersion"),
            Column::age(),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![
            cells::name(object),
            cells::text(object, &["spec", "leaseName"]),
            cells::text(object, &["spec", "binaryVersion"]),
            cells::text(object, &["spec", "emulationVersion"]),
            cells::age(object, now),
        ]
    }
}

/// A version that a candidate tells; nothing that can be read is the lowest version.
fn version(candidate: &Document, name: &str) -> (Option<SemanticVersion>, bool) {
    let text = candidate.str_at(&["spec", name]);
    (SemanticVersion::parse(text), text.is_empty())
}

fn versions(field: &FieldPath, candidate: &Document) -> FieldErrors {
    let why = "must be a valid semantic version";
    let mut out = FieldErrors::new();
    let (emulated, none_emulated) = version(candidate, "emulationVersion");
    if emulated.is_none() && !none_emulated {
        let text = candidate.str_at(&["spec", "emulationVersion"]);
        out.push(FieldError::invalid(&field.child("emulationVersion"), text, why));
    }
    let field = field.child("binaryVersion");
    let text = candidate.str_at(&["spec", "binaryVersion"]);
    let (binary, no_binary) = version(candidate, "binaryVersion");
    if no_binary {
        out.push(FieldError::required(&field, ""));
    } else if binary.is_none() {
        out.push(FieldError::invalid(&field, text, why));
    }
    let lowest = |version: Option<SemanticVersion>| version.unwrap_or(SemanticVersion::ZERO);
    if !no_binary && !none_emulated && lowest(binary) < lowest(emulated) {
        let why = "must be greater than or equal to `emulationVersion`";
        out.push(FieldError::invalid(&field, text, why));
    }
    out
}

fn strategy(field: &FieldPath, candidate: &Document) -> FieldErrors {
    let name = candidate.str_at(&["spec", "strategy"]);
    if name.is_empty() {
        return vec![FieldError::required(&field.child("strategy"), "")];
    }
    let mut out = FieldErrors::new();
    let (emulated, _) = version(candidate, "emulationVersion");
    if name == OLDEST && emulated.is_none_or(|version| version == SemanticVersion::ZERO) {
        let why = "must be specified when `strategy` is 'OldestEmulationVersion'";
        out.push(FieldError::required(&field.child("emulationVersion"), why));
    }
    out.extend(lease::strategy(&field.child("strategy"), name));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn candidates_tell_lease_versions_and_strategy() {
        let cases = [
            (
                "fine",
                doc!({"leaseName": "l", "binaryVersion": "1.35.0", "emulationVersion": "1.34.0", "strategy": OLDEST}),
                vec![],
            ),
            (
                "nothing",
                doc!({}),
                vec![
                    "spec.leaseName: Required value",
                    "spec.binaryVersion: Required value",
                    "spec.strategy: Required value",
                ],
            ),
            (
                "newer than it is",
                doc!({"leaseName": "l", "binaryVersion": "1.34.0", "emulationVersion": "1.35.0", "strategy": "a.b/c"}),
                vec![
                    r#"spec.binaryVersion: Invalid value: "1.34.0": must be greater than or equal to `emulationVersion`"#,
                ],
            ),
            (
                "no version",
                doc!({"leaseName": "l", "binaryVersion": "v1", "strategy": OLDEST}),
                vec![
                    r#"spec.binaryVersion: Invalid value: "v1": must be a valid semantic version"#,
                    "spec.emulationVersion: Required value: must be specified when `strategy` is 'OldestEmulationVersion'",
                ],
            ),
        ];
        for (name, spec, expected) in cases {
            assert_eq!(texts(&LeaseCandidate.validate_create(&doc!({"spec": spec}))), expected, "{name}");
        }
    }

    #[test]
    fn a_candidate_stays_with_its_lease() {
        let of = |lease: &str| doc!({"spec": {"leaseName": lease, "binaryVersion": "1.35.0", "strategy": "example.com/s"}});
        assert_eq!(
            texts(&LeaseCandidate.validate_update(UpdateScope::Main, &of("b"), &of("a"))),
            [r#"spec.leaseName: Invalid value: "b": field is immutable"#]
        );
    }
}
