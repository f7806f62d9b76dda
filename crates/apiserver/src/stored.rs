//! Between objects and stored bytes: keys, the stored encoding, encryption at rest, and what loading does.
//!
//! Stored is JSON of the hub version without resourceVersion, behind a value transformer whose associated data is the key.
//! Loading decrypts, decodes, converts to the hub version, and defaults, so that what is served does not depend on when
//! it was written.

use crate::cache::{Encoded, Entry, Metadata};
use crate::table::Table;
use skiff_api::Resource;
use skiff_apimachinery::{Document, GroupResource, Status, json};
use skiff_storage::transform::{Identity, Transformer};
use skiff_storage::{KeyValue, Revision, StorageError, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// Where all keys start.
pub const ROOT: &str = "/registry/";
/// What a value begins with that upstream wrote as protobuf.
const PROTOBUF_ENVELOPE: &[u8] = b"k8s\0";

/// Knows how values of every resource are stored.
pub struct StoredForm {
    table: Arc<Table>,
    transformers: HashMap<GroupResource, Arc<dyn Transformer>>,
    plain: Identity,
}

/// A value that cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Decryption failed.
    #[error(transparent)]
    Transform(#[from] skiff_storage::transform::TransformError),
    /// The bytes are no object.
    #[error("stored value is no object: {0}")]
    Decode(String),
}

impl StoredForm {
    /// Values of the named resources pass their transformer; all others are stored as they are.
    pub fn new(table: Arc<Table>, transformers: HashMap<GroupResource, Arc<dyn Transformer>>) -> Self {
        Self { table, transformers, plain: Identity }
    }

    /// The bytes to store for an encoded object.
    ///
    /// # Errors
    /// If encryption fails.
    pub fn to_storage(&self, row: &Resource, key: &str, encoded: &Encoded) -> Result<Value, Status> {
        let transformer = self.transformer(row);
        let stored = transformer.to_storage(encoded.json(), key.as_bytes()).map_err(Status::internal)?;
        Ok(stored.into())
    }

    /// The object of stored bytes, in the hub version, without resourceVersion.
    ///
    /// # Errors
    /// If the bytes cannot be decrypted or decoded.
    pub fn load(&self, row: &Resource, key: &str, value: &[u8]) -> Result<Document, LoadError> {
        let plain = self.transformer(row).from_storage(value, key.as_bytes())?.value;
        let mut object = if plain.starts_with(PROTOBUF_ENVELOPE) {
            crate::protobuf::decode(&plain, None).map_err(LoadError::Decode)?
        } else {
            json::decode(&plain).map_err(|e| LoadError::Decode(e.to_string()))?
        };
        self.to_hub(row, &mut object);
        row.strategy.default(&mut object);
        Ok(object)
    }

    /// A stored value in served form.
    ///
    /// # Errors
    /// As [`StoredForm::load`].
    pub fn entry(&self, row: &Resource, stored: &KeyValue) -> Result<Entry, LoadError> {
        let object = self.load(row, &stored.key, &stored.value)?;
        let metadata = Arc::new(Metadata::of(&object, row));
        let encoded = Encoded::of(&object);
        Ok(Entry::new(stored.key.clone(), prefix(row).len(), &encoded, stored.mod_revision, metadata))
    }

    /// Converts an object that was stored in another version.
    fn to_hub(&self, row: &Resource, object: &mut Document) {
        let Some(gvk) = object.gvk().filter(|gvk| *gvk != row.gvk) else { return };
        if let Some(conversion) = self.table.rows().of_kind(&gvk).and_then(|from| from.conversion) {
            (conversion.to_hub)(object);
        }
        object.set_gvk(&row.gvk);
    }

    fn transformer(&self, row: &Resource) -> &dyn Transformer {
        self.transformers.get(&row.group_resource()).map_or(&self.plain, |t| &**t)
    }
}

/// The key prefix of a resource, with a slash at the end.
pub fn prefix(row: &Resource) -> String {
    format!("{ROOT}{}/", row.storage_prefix)
}

/// The key of an object.
pub fn key(row: &Resource, namespace: &str, name: &str) -> String {
    if row.namespaced() {
        format!("{ROOT}{}/{namespace}/{name}", row.storage_prefix)
    } else {
        format!("{ROOT}{}/{name}", row.storage_prefix)
    }
}

/// What clients are told when the store fails.
pub fn storage_failure(error: StorageError) -> Status {
    match error {
        StorageError::Compacted { oldest } => expired_revision(0, oldest),
        StorageError::Future { current } => {
            Status::timeout(format!("Too large resource version, current: {current}"), 1)
        }
        StorageError::Unavailable(why) => {
            let mut status = Status::new(500, skiff_apimachinery::Reason::ServerTimeout, why);
            status.details_mut().retry_after_seconds = 2;
            status
        }
        StorageError::TooLarge => Status::new(
            413,
            skiff_apimachinery::Reason::RequestEntityTooLarge,
            "etcdserver: request is too large",
        ),
        StorageError::NoSpace => {
            Status::new(500, skiff_apimachinery::Reason::Unknown, "etcdserver: mvcc: database space exceeded")
        }
        StorageError::Corrupt(why) => Status::internal(why),
    }
}

/// 410: the revision is not kept any more.
pub fn expired_revision(wanted: Revision, oldest: Revision) -> Status {
    Status::expired(format!("too old resource version: {wanted} ({oldest})"))
}
