//! How answers are written: media type and shape, from cached bytes where the client wants what the cache holds.
//!
//! Input: [`Outcome`](crate::operation::Outcome)s in the hub version; output: response bodies. JSON of whole objects in the
//! stored version is the bytes path: nothing is decoded or encoded. Everything else is derived on demand.

mod encode;
mod list;
mod shape;
mod watch;

pub use encode::encode;
pub use list::list;
pub use watch::watch;

use crate::registry::Object;
use crate::request::accept::IncludeObject;
use crate::request::{Accepted, Media, Shape};
use bytes::Bytes;
use skiff_api::Resource;
use skiff_apimachinery::Document;
use skiff_apimachinery::time::Clock;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// In which form objects of a row are shown.
#[derive(Clone)]
pub struct Form {
    /// The row that was asked for.
    pub row: Arc<Resource>,
    /// The row of the stored version.
    pub hub: Arc<Resource>,
    /// Media type and shape.
    pub accepted: Accepted,
    /// What Table rows carry.
    pub include: IncludeObject,
    /// Tells the time; ages are told from it.
    pub clock: Arc<dyn Clock>,
}

impl Form {
    /// Whether the cache's bytes are what the client wants.
    fn is_cached(&self) -> bool {
        self.accepted == Accepted::JSON && self.row.gvk == self.hub.gvk
    }

    /// Tells forms apart whose events look different.
    fn id(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.row.gvk, self.accepted, self.include).hash(&mut hasher);
        // Ages differ from second to second, events of one change are told at once.
        hasher.finish()
    }

    /// The object in the row's version and the wanted shape.
    fn shaped(&self, object: &Document) -> Document {
        match self.accepted.shape {
            Shape::Object => crate::convert::from_hub(&self.row, &self.hub, object.clone()),
            Shape::Table => shape::table(self, std::slice::from_ref(object), shape::list_metadata_of(object)),
            Shape::Metadata | Shape::MetadataList => shape::metadata_only(object),
        }
    }
}

/// One object.
pub fn object(form: &Form, object: &Object) -> Bytes {
    if form.is_cached() {
        if let Some(body) = object.body() {
            return body.clone();
        }
        return encode(&object.document(), Media::Json);
    }
    encode(&form.shaped(&object.document()), form.accepted.media)
}
