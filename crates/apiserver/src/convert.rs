//! Between the version that a client speaks and the one that is stored.

use skiff_api::Resource;
use skiff_apimachinery::Document;
use std::sync::Arc;

/// An object of the row's version, defaulted and turned into the hub version.
pub fn to_hub(row: &Arc<Resource>, hub: &Arc<Resource>, mut object: Document) -> Document {
    row.strategy.default(&mut object);
    if row.gvk == hub.gvk {
        return object;
    }
    if let Some(conversion) = row.conversion {
        (conversion.to_hub)(&mut object);
    }
    object.set_gvk(&hub.gvk);
    hub.strategy.default(&mut object);
    object
}

/// An object of the hub version as the row's version shows it.
pub fn from_hub(row: &Arc<Resource>, hub: &Arc<Resource>, mut object: Document) -> Document {
    if row.gvk == hub.gvk {
        return object;
    }
    if let Some(conversion) = row.conversion {
        (conversion.from_hub)(&mut object);
    }
    object.set_gvk(&row.gvk);
    row.strategy.default(&mut object);
    object
}
