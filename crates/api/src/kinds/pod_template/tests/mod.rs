//! Tables of PodSpecs and of what is wrong with them, in upstream's words.

mod containers;
mod environment;
mod handlers;
mod metadata;
mod placement;
mod resources;
mod security;
mod sharing;
mod volume_files;
mod volumes;
mod whole;

use super::{Leniency, Within, default_pod, validate_spec};
use skiff_apimachinery::{Document, FieldPath, doc, json};

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN: &str = r"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const QUALIFIED: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/// What a case is about, what is given, and the errors in order.
type Case<'a> = (&'a str, &'a str, &'a [&'a str]);

fn parse(text: &str) -> Document {
    json::decode(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A map with these fields added, or in place of its own.
fn with(mut base: Document, fields: Document) -> Document {
    for (field, value) in fields.into_object() {
        base.insert(field, value);
    }
    base
}

/// A valid pod whose spec has these fields.
fn pod(fields: Document) -> Document {
    let mut spec = with(doc!({"containers": [{"name": "c", "image": "i"}]}), fields);
    default_pod(&mut spec);
    doc!({"metadata": {"name": "p"}, "spec": spec})
}

fn container(fields: Document) -> Document {
    with(doc!({"name": "c", "image": "i"}), fields)
}

/// What is wrong with the spec of a pod that has these fields.
fn of_spec(fields: Document) -> Vec<String> {
    let pod = pod(fields);
    let errors = validate_spec(&pod["spec"], &FieldPath::new("spec"), Within::Pod(&pod), Leniency::default());
    errors.iter().map(ToString::to_string).collect()
}

/// What is wrong with a spec that has these fields and the leniency that it has earned.
fn of_old_spec(fields: Document) -> Vec<String> {
    let pod = pod(fields);
    let leniency = Leniency::towards(&pod);
    let errors = validate_spec(&pod["spec"], &FieldPath::new("spec"), Within::Pod(&pod), leniency);
    errors.iter().map(ToString::to_string).collect()
}

/// What is wrong with a container that has these fields.
fn of_container(fields: Document) -> Vec<String> {
    of_spec(doc!({"containers": [container(fields)]}))
}

fn check(cases: &[Case<'_>], wrong: impl Fn(Document) -> Vec<String>) {
    for (name, given, expected) in cases {
        assert_eq!(wrong(parse(given)), *expected, "{name}: {given}");
    }
}
