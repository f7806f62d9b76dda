//! PodTemplates: a pod template as an object of its own.

use super::{cells, default_template};
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::Document;

/// `v1 PodTemplate`.
pub(crate) struct PodTemplate;

impl Strategy for PodTemplate {
    fn default(&self, object: &mut Document) {
        default_template(object, &["template"]);
    }

    fn allow_create_on_update(&self) -> bool {
        true
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
