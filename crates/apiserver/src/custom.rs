//! Custom resources.
use skiff_apimachinery::Document;
use skiff_apimachinery::schema::Schema;
pub fn prune(_o: &mut Document, _s: &Schema) -> Vec<String> {
    Vec::new()
}
