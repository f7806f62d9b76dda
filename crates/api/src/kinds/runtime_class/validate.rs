//! What is wrong with a RuntimeClass: its handler, what it costs, where its pods may run.

use crate::kinds::internal_form::{self, Field};
use crate::resource_list::ResourceList;
use crate::validation::{invalid, labels, names, resources};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Quantity};

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
const OPERATORS: [&str; 2] = ["Equal", "Exists"];
const HUGE_PAGES: &str = "hugepages-";

const TOLERATION: &[Field] = &[
    Field::text("key", "Key"),
    Field::text("operator", "Operator"),
    Field::text("value", "Value"),
    Field::text("effect", "Effect"),
    Field::value("tolerationSeconds", "TolerationSeconds"),
];

/// What is wrong with a class.
pub(super) fn class(class: &Document) -> FieldErrors {
    let handler = class.str_at(&["handler"]);
    let mut out = invalid(&FieldPath::new("handler"), handler, names::dns1123_label(handler));
    if let Some(fixed) = class.object_at(&["overhead", "podFixed"]) {
        out.extend(overhead(&FieldPath::new("overhead"), &ResourceList::read(Some(fixed))));
    }
    let field = FieldPath::new("scheduling");
    let selector = class.object_at(&["scheduling", "nodeSelector"]);
    out.extend(labels::labels(&field.child("nodeSelector"), selector));
    let tolerations = class.array_at(&["scheduling", "tolerations"]).iter().enumerate();
    let field = field.child("tolerations");
    out.extend(tolerations.flat_map(|(i, one)| toleration(&field.index(i), one)));
    out
}

/// What a pod costs beyond its containers is checked as if it were a container's limit.
fn overhead(field: &FieldPath, list: &ResourceList) -> FieldErrors {
    let limits = field.child("limits");
    let mut out = FieldErrors::new();
    for (name, amount) in list.iter() {
        let field = limits.key(name);
        out.extend(resources::container_name(&field, name));
        out.extend(resources::amount(&field, name, amount));
        out.extend(pages(&field, name, amount));
    }
    let has_pages = list.names().any(|name| name.starts_with(HUGE_PAGES));
    if has_pages && !list.contains("cpu") && !list.contains("memory") {
        out.push(FieldError::forbidden(field, "HugePages require cpu or memory"));
    }
    out
}

/// Huge pages come in whole pages.
fn pages(field: &FieldPath, name: &str, amount: Quantity) -> Option<FieldError> {
    let size = Quantity::parse(name.strip_prefix(HUGE_PAGES)?).ok()?;
    let fits = size.value() > 0 && amount.value() % size.value() == 0;
    let why = format!("{amount} is not positive integer multiple of {size}");
    (!fits).then(|| FieldError::invalid(field, amount, why))
}

fn toleration(field: &FieldPath, toleration: &Document) -> FieldErrors {
    let [key, operator, value, effect] =
        ["key", "operator", "value", "effect"].map(|name| toleration.str_at(&[name]));
    let at = field.child("operator");
    let mut out = FieldErrors::new();
    if !key.is_empty() {
        out.extend(invalid(&field.child("key"), key, names::qualified_name(key)));
    } else if operator != "Exists" {
        let why =
            "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        out.push(FieldError::invalid(&at, operator, why));
    }
    if toleration.i64_at(&["tolerationSeconds"]).is_some() && effect != "NoExecute" {
        let why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
        out.push(FieldError::invalid(&field.child("effect"), effect, why));
    }
    match operator {
        "" | "Equal" => {
            let complaints = names::label_value(value);
            if !complaints.is_empty() {
                out.push(FieldError::invalid(&at, value, complaints.join(";")));
            }
        }
        "Exists" if !value.is_empty() => {
            let shown = internal_form::structure(toleration, TOLERATION);
            out.push(FieldError::invalid(&at, shown, "value must be empty when `operator` is 'Exists'"));
        }
        "Exists" => {}
        other => out.push(FieldError::not_supported(&at, other, &OPERATORS)),
    }
    if !effect.is_empty() && !EFFECTS.contains(&effect) {
        out.push(FieldError::not_supported(&field.child("effect"), effect, &EFFECTS));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn classes_say_what_they_cost_and_where_they_run() {
        let cases = [
            (
                "fine",
                doc!({
                    "overhead": {"podFixed": {"cpu": "100m", "hugepages-2Mi": "4Mi"}},
                    "scheduling": {"nodeSelector": {"a": "b"}, "tolerations": [{"operator": "Exists"}]}
                }),
                vec![],
            ),
            (
                "overhead",
                doc!({"overhead": {"podFixed": {"pods": "1", "hugepages-2Mi": "3Mi"}}}),
                vec![
                    r#"overhead.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of 2Mi"#,
                    r#"overhead.limits[pods]: Invalid value: "pods": must be a standard resource for containers"#,
                    "overhead: Forbidden: HugePages require cpu or memory",
                ],
            ),
            (
                "tolerations",
                doc!({"scheduling": {"tolerations": [
                    {"value": "a"}, {"key": "a", "operator": "Exists", "value": "b"},
                    {"key": "a", "operator": "Lt", "effect": "Never", "tolerationSeconds": 1}
                ]}}),
                vec![
                    r#"scheduling.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys""#,
                    r#"scheduling.tolerations[1].operator: Invalid value: {"Key":"a","Operator":"Exists","Value":"b","Effect":"","TolerationSeconds":null}: value must be empty when `operator` is 'Exists'"#,
                    r#"scheduling.tolerations[2].effect: Invalid value: "Never": effect must be 'NoExecute' when `tolerationSeconds` is set"#,
                    r#"scheduling.tolerations[2].operator: Unsupported value: "Lt": supported values: "Equal", "Exists""#,
                    r#"scheduling.tolerations[2].effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute""#,
                ],
            ),
        ];
        for (name, mut given, expected) in cases {
            given.insert("handler", "h");
            let texts: Vec<String> = class(&given).iter().map(ToString::to_string).collect();
            assert_eq!(texts, expected, "{name}");
        }
        assert_eq!(class(&doc!({"handler": "a.b"})).len(), 1);
    }
}
