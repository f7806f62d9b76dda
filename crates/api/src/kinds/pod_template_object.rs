//! PodTemplates: a pod template as an object of its own.

use super::{cells, default_template, pod_template};
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors, FieldPath};

/// `v1 PodTemplate`.
pub(crate) struct PodTemplate;

impl Strategy for PodTemplate {
    fn default(&self, object: &mut Document) {
        default_template(object, &["template"]);
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn warnings(&self, new: &Document, old: Option<&Document>) -> Vec<String> {
        let mut out = pod_template::warnings::for_workload(new, old, &["template"]);
        // No pod is made of the object itself, so that its name is in no pod's name.
        out.retain(|warning| !warning.starts_with("metadata.name: "));
        out
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        pod_template::validate(object.get("template"), &FieldPath::new("template"))
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("Containers"), Column::text("Images"), Column::text("Pod Labels")]
    }

    fn cells(&self, object: &Document, _now: Timestamp) -> Vec<Cell> {
        let [names, images] = cells::containers(object.at(&["template", "spec"]));
        let labels = cells::labels(object.object_at(&["template", "metadata", "labels"]));
        vec![cells::name(object), names, images, labels]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn pod_template() -> Document {
        let mut object = doc!({"metadata": {"name": "a.b"}, "template": {"spec": {"containers": [{"name": "a", "image": "a:1"}]}}});
        PodTemplate.default(&mut object);
        object
    }

    #[test]
    fn the_template_is_checked_as_that_of_any_workload() {
        let cases: [(&[&str], Document, &[&str]); 3] = [
            (&["template", "metadata", "labels", "app"], "web".into(), &[]),
            (
                &["template", "spec", "containers"],
                Document::array(),
                &["template.spec.containers: Required value"],
            ),
            (
                &["template", "metadata", "labels", "app"],
                "-".into(),
                &[
                    "template.labels: Invalid value: \"-\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
                ],
            ),
        ];
        for (path, value, expected) in cases {
            let mut object = pod_template();
            object.set(path, value);
            let errors = PodTemplate.validate_create(&object);
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(texts, expected, "{path:?}");
        }
    }

    #[test]
    fn warnings_are_of_the_template_not_of_the_name() {
        let mut object = pod_template();
        assert_eq!(PodTemplate.warnings(&object, None), Vec::<String>::new());
        object.set(&["template", "spec", "volumes"], vec![doc!({"name": "v", "gitRepo": {}})]);
        assert_eq!(PodTemplate.warnings(&object, Some(&pod_template())).len(), 1);
    }
}
