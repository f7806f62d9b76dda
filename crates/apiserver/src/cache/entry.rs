//! One object as clients get it: JSON of the stored version with its resourceVersion, and what selectors ask about.

use bytes::Bytes;
use skiff_api::Resource;
use skiff_apimachinery::{Document, Node, json};
use skiff_storage::Revision;
use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Labels and selectable fields, read once when the object is loaded.
#[derive(Debug, Clone, Default)]
pub struct Metadata {
    /// Labels in the object's order.
    pub labels: Box<[(Box<str>, Box<str>)]>,
    /// Selectable fields beyond name and namespace that are not empty.
    pub fields: Box<[(Cow<'static, str>, Box<str>)]>,
}

impl Metadata {
    /// Reads an object of the row's version.
    pub fn of(object: &Document, row: &Resource) -> Self {
        let pair = |(key, value): (&str, &Document)| match value.node() {
            Node::String(text) => Some((Box::from(key), Box::from(text))),
            _ => None,
        };
        let labels = object.labels().into_iter().flat_map(|labels| labels.iter()).filter_map(pair).collect();
        let select = |field: Cow<'static, str>| {
            let value = row.strategy.select_field(object, &field);
            (!value.is_empty()).then(|| (field, value.into_boxed_str()))
        };
        let fields = row.strategy.selectable_fields().into_iter().filter_map(select).collect();
        Self { labels, fields }
    }
}

/// One object in one revision.
pub struct Entry {
    key: Arc<str>,
    /// Where the namespace and name start in the key.
    suffix: u32,
    revision: Revision,
    body: Bytes,
    /// Where the digits of the resourceVersion are in the body.
    digits: (u32, u32),
    /// Where kind and apiVersion end in the body.
    head: u32,
    metadata: Arc<Metadata>,
    /// Shared while anyone holds it.
    document: Mutex<Weak<Document>>,
}

impl Entry {
    /// From the object's encoded form without resourceVersion.
    pub fn new(
        key: Arc<str>,
        prefix_len: usize,
        encoded: &Encoded,
        revision: Revision,
        metadata: Arc<Metadata>,
    ) -> Self {
        let (body, digits) = encoded.with_revision(revision);
        Self {
            key,
            suffix: prefix_len as u32,
            revision,
            body,
            digits,
            head: encoded.head as u32,
            metadata,
            document: Mutex::new(Weak::new()),
        }
    }

    /// The storage key.
    pub fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// The object's name.
    pub fn name(&self) -> &str {
        let suffix = self.suffix();
        suffix.split_once('/').map_or(suffix, |(_, name)| name)
    }

    /// The object's namespace; empty for cluster scope.
    pub fn namespace(&self) -> &str {
        self.suffix().split_once('/').map_or("", |(namespace, _)| namespace)
    }

    /// The revision of the object's last write.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// JSON with resourceVersion and a line's end, as a whole answer carries it.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// JSON with resourceVersion.
    pub fn json(&self) -> &[u8] {
        &self.body[..self.body.len() - 1]
    }

    /// JSON without the opening brace, kind and apiVersion, as typed lists carry their items.
    pub fn json_without_kind(&self) -> &[u8] {
        &self.json()[self.head as usize..]
    }

    /// Labels and selectable fields.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The object; decoded once and shared while anyone holds it.
    pub fn document(&self) -> Arc<Document> {
        let mut shared = self.document.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(document) = shared.upgrade() {
            return document;
        }
        // The bytes were encoded by this process from a document.
        let document = Arc::new(json::decode(self.json()).unwrap_or_default());
        *shared = Arc::downgrade(&document);
        document
    }

    /// The same object as of a later revision: how a deletion shows its last state.
    pub fn at_revision(&self, revision: Revision) -> Self {
        let (start, end) = (self.digits.0 as usize, self.digits.1 as usize);
        let digits = revision.to_string();
        let mut body = Vec::with_capacity(self.body.len() + digits.len());
        body.extend_from_slice(&self.body[..start]);
        body.extend_from_slice(digits.as_bytes());
        body.extend_from_slice(&self.body[end..]);
        Self {
            key: self.key.clone(),
            suffix: self.suffix,
            revision,
            body: body.into(),
            head: self.head,
            digits: (self.digits.0, self.digits.0 + digits.len() as u32),
            metadata: self.metadata.clone(),
            document: Mutex::new(Weak::new()),
        }
    }

    fn suffix(&self) -> &str {
        &self.key[self.suffix as usize..]
    }
}

/// What comes first in an object.
const HEAD: [&str; 2] = ["kind", "apiVersion"];

/// An object encoded without resourceVersion, with the place where one goes.
#[derive(Debug, Clone)]
pub struct Encoded {
    json: Bytes,
    /// Where kind and apiVersion, with their comma, end.
    head: usize,
    /// Where `,"resourceVersion":"N"` goes.
    splice: usize,
    /// Whether metadata has a key before that place.
    follows: bool,
}

impl Encoded {
    /// Encodes an object; a resourceVersion that it carries is left out.
    pub fn of(object: &Document) -> Self {
        let mut json = Vec::with_capacity(1024);
        let (mut splice, mut follows) = (0, false);
        json.push(b'{');
        let mut first = true;
        let mut key_to = |key: &str, json: &mut Vec<u8>| {
            if !std::mem::take(&mut first) {
                json.push(b',');
            }
            json::encode_str(key, json);
            json.push(b':');
        };
        for key in HEAD {
            if let Some(value) = object.get(key) {
                key_to(key, &mut json);
                json::encode_to(value, &mut json);
            }
        }
        let fields = object.as_object().into_iter().flat_map(|map| map.iter());
        let mut head = json.len();
        for (i, (key, value)) in fields.filter(|(key, _)| !HEAD.contains(key)).enumerate() {
            key_to(key, &mut json);
            if i == 0 && head > 1 {
                // The comma goes with what it follows.
                head += 1;
            }
            if key == "metadata" {
                (splice, follows) = encode_metadata(value, &mut json);
            } else {
                json::encode_to(value, &mut json);
            }
        }
        json.push(b'}');
        Self { json: json.into(), head, splice, follows }
    }

    /// The JSON without resourceVersion, as it is stored.
    pub fn json(&self) -> &Bytes {
        &self.json
    }

    /// The JSON with resourceVersion and a line's end, and where its digits are.
    fn with_revision(&self, revision: Revision) -> (Bytes, (u32, u32)) {
        let key: &[u8] = if self.follows { b",\"resourceVersion\":\"" } else { b"\"resourceVersion\":\"" };
        let digits = revision.to_string();
        let mut body = Vec::with_capacity(self.json.len() + key.len() + digits.len() + 3);
        body.extend_from_slice(&self.json[..self.splice]);
        body.extend_from_slice(key);
        let start = body.len();
        body.extend_from_slice(digits.as_bytes());
        let end = body.len();
        body.push(b'"');
        if !self.follows && self.json.get(self.splice) != Some(&b'}') {
            body.push(b',');
        }
        body.extend_from_slice(&self.json[self.splice..]);
        body.push(b'\n');
        (body.into(), (start as u32, end as u32))
    }

    /// The JSON with resourceVersion and a line's end.
    pub fn served(&self, revision: Revision) -> Bytes {
        self.with_revision(revision).0
    }
}

/// Writes metadata and tells where the resourceVersion goes: after the uid, as upstream orders the fields.
fn encode_metadata(metadata: &Document, json: &mut Vec<u8>) -> (usize, bool) {
    json.push(b'{');
    let (mut splice, mut follows, mut first) = (json.len(), false, true);
    let fields = metadata.as_object().into_iter().flat_map(|map| map.iter());
    for (key, value) in fields.filter(|(key, _)| *key != "resourceVersion") {
        if !first {
            json.push(b',');
        }
        first = false;
        json::encode_str(key, json);
        json.push(b':');
        json::encode_to(value, json);
        if key == "uid" || (!follows && key == "name") {
            (splice, follows) = (json.len(), true);
        }
    }
    json.push(b'}');
    (splice, follows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn the_revision_is_spliced_in_after_the_uid() {
        let object = doc!({"kind": "A", "metadata": {"name": "x", "resourceVersion": "old", "uid": "u", "labels": {}}, "b": 1});
        let encoded = Encoded::of(&object);
        assert_eq!(
            &encoded.json()[..],
            br#"{"kind":"A","metadata":{"name":"x","uid":"u","labels":{}},"b":1}"#
        );
        assert_eq!(
            &encoded.served(7)[..],
            br#"{"kind":"A","metadata":{"name":"x","uid":"u","resourceVersion":"7","labels":{}},"b":1}
"#
        );
    }

    #[test]
    fn items_of_typed_lists_carry_no_kind() {
        let object = doc!({"metadata": {"name": "x"}, "apiVersion": "v1", "kind": "A"});
        let entry = Entry::new("/x".into(), 1, &Encoded::of(&object), 7, Arc::default());
        assert_eq!(
            entry.json(),
            br#"{"kind":"A","apiVersion":"v1","metadata":{"name":"x","resourceVersion":"7"}}"#
        );
        assert_eq!(entry.json_without_kind(), br#""metadata":{"name":"x","resourceVersion":"7"}}"#);
    }

    #[test]
    fn objects_without_name_and_uid_get_a_revision_too() {
        for (object, expected) in [
            (doc!({"metadata": {}}), &b"{\"metadata\":{\"resourceVersion\":\"7\"}}\n"[..]),
            (doc!({"metadata": {"a": 1}}), &b"{\"metadata\":{\"resourceVersion\":\"7\",\"a\":1}}\n"[..]),
        ] {
            assert_eq!(&Encoded::of(&object).served(7)[..], expected);
        }
    }

    #[test]
    fn a_deletion_shows_the_last_state_at_its_own_revision() {
        let object = doc!({"metadata": {"name": "x", "uid": "u", "namespace": "n"}});
        let entry = Entry::new(
            "/registry/pods/n/x".into(),
            "/registry/pods/".len(),
            &Encoded::of(&object),
            99,
            Arc::default(),
        );
        let later = entry.at_revision(100);
        assert_eq!(later.document().resource_version(), "100");
        assert_eq!((later.namespace(), later.name()), ("n", "x"));
        assert_eq!(later.at_revision(7).document().resource_version(), "7");
    }
}
