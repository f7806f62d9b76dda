//! Resources that are only counted.

use crate::quota::{Evaluator, Write};
use crate::resource_list::ResourceList;
use jiff::Timestamp;
use skiff_apimachinery::quantity::Quantity;
use skiff_apimachinery::{Document, GroupResource};

/// Core resources that quotas also count under their bare name.
const BARE_NAMES: [&str; 4] = ["configmaps", "replicationcontrollers", "resourcequotas", "secrets"];

/// Counts objects of one resource.
pub(super) struct ObjectCount {
    name: String,
    bare: Option<String>,
}

/// `count/RESOURCE` or `count/RESOURCE.GROUP`.
pub(super) fn count_name(group: &str, resource: &str) -> String {
    if group.is_empty() { format!("count/{resource}") } else { format!("count/{resource}.{group}") }
}

impl ObjectCount {
    pub(super) fn of(resource: &GroupResource) -> Self {
        let bare = resource.group.is_empty() && BARE_NAMES.contains(&&*resource.resource);
        Self {
            name: count_name(&resource.group, &resource.resource),
            bare: bare.then(|| resource.resource.to_string()),
        }
    }
}

impl Evaluator for ObjectCount {
    fn handles(&self, write: &Write<'_>) -> bool {
        write.old.is_none() && write.subresource.is_empty()
    }

    fn tracks(&self, name: &str) -> bool {
        name == self.name || self.bare.as_deref() == Some(name)
    }

    fn usage(&self, _object: &Document, _now: Timestamp) -> ResourceList {
        let names = [Some(&self.name), self.bare.as_ref()];
        names.into_iter().flatten().map(|name| (name.clone(), Quantity::from_value(1))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_core_resources_have_two_names() {
        let used = |group: &'static str, resource: &'static str| {
            let evaluator = ObjectCount::of(&GroupResource::new(group, resource));
            evaluator.usage(&Document::object(), Timestamp::UNIX_EPOCH).to_string()
        };
        assert_eq!(used("", "configmaps"), "configmaps=1,count/configmaps=1");
        assert_eq!(used("apps", "deployments"), "count/deployments.apps=1");
    }
}
