//! Lists, written item by item so that no client costs a copy of the whole list.

use super::{Form, encode, shape};
use crate::cache::{Entry, Page};
use crate::request::{Media, Shape};
use crate::serve::body::{ListBody, ResponseBody};
use skiff_apimachinery::{Document, doc, json};

/// The body of a list.
pub fn list(form: &Form, page: Page) -> ResponseBody {
    if form.accepted.media != Media::Json {
        return ResponseBody::full(encode(&whole(form, &page), form.accepted.media));
    }
    let metadata = metadata(&page);
    let (head, items_key) = match form.accepted.shape {
        Shape::Table => (shape::head(form, metadata), "rows"),
        shape => (head(form, shape, metadata), "items"),
    };
    let head = opened(&head, items_key);
    let form = form.clone();
    if form.is_cached() {
        let typed = !form.row.custom;
        let size = page.entries.iter().map(|entry| item_size(entry, typed)).sum::<usize>();
        let commas = page.entries.len().saturating_sub(1);
        let total = head.len() + size + commas + TAIL.len();
        let write = move |entry: &Entry, out: &mut Vec<u8>| write_item(entry, typed, out);
        return ResponseBody::List(ListBody::new(head, page.entries, Box::new(write), TAIL).sized(total));
    }
    let write = move |entry: &Entry, out: &mut Vec<u8>| {
        let object = entry.document();
        let item = match form.accepted.shape {
            Shape::Table => shape::row(&form, &object),
            Shape::Object => {
                let mut item = crate::convert::from_hub(&form.row, &form.hub, (*object).clone());
                without_kind(&form, &mut item);
                item
            }
            Shape::Metadata | Shape::MetadataList => shape::metadata_only(&object),
        };
        json::encode_to(&item, out);
    };
    ResponseBody::List(ListBody::new(head, page.entries, Box::new(write), TAIL))
}

/// What ends a list.
const TAIL: &[u8] = b"]}\n";

fn item_size(entry: &Entry, typed: bool) -> usize {
    if typed { entry.json_without_kind().len() + 1 } else { entry.json().len() }
}

/// Items of built-in kinds carry no kind and apiVersion, as the list says it.
fn write_item(entry: &Entry, typed: bool, out: &mut Vec<u8>) {
    if typed {
        out.push(b'{');
        out.extend_from_slice(entry.json_without_kind());
    } else {
        out.extend_from_slice(entry.json());
    }
}

fn without_kind(form: &Form, item: &mut Document) {
    if !form.row.custom {
        item.remove(&["kind"]);
        item.remove(&["apiVersion"]);
    }
}

/// The whole list as a document, for media types that are not written piece by piece.
fn whole(form: &Form, page: &Page) -> Document {
    let objects: Vec<Document> = page.entries.iter().map(|entry| (*entry.document()).clone()).collect();
    match form.accepted.shape {
        Shape::Table => shape::table(form, &objects, metadata(page)),
        Shape::Metadata | Shape::MetadataList => {
            let mut list = head(form, form.accepted.shape, metadata(page));
            list.insert("items", objects.iter().map(shape::metadata_only).collect::<Vec<_>>());
            list
        }
        Shape::Object => {
            let mut list = head(form, Shape::Object, metadata(page));
            let convert = |object| {
                let mut item = crate::convert::from_hub(&form.row, &form.hub, object);
                without_kind(form, &mut item);
                item
            };
            list.insert("items", objects.into_iter().map(convert).collect::<Vec<_>>());
            list
        }
    }
}

fn head(form: &Form, shape: Shape, metadata: Document) -> Document {
    match shape {
        Shape::Metadata | Shape::MetadataList => doc!({
            "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata
        }),
        Shape::Object | Shape::Table => doc!({
            "kind": &*form.row.list_kind, "apiVersion": form.row.gvk.api_version(), "metadata": metadata
        }),
    }
}

fn metadata(page: &Page) -> Document {
    let mut metadata = doc!({"resourceVersion": page.revision.to_string()});
    if !page.continue_token.is_empty() {
        metadata.insert("continue", page.continue_token.as_str());
    }
    if let Some(remaining) = page.remaining {
        metadata.insert("remainingItemCount", remaining);
    }
    metadata
}

/// The head's JSON with its items begun.
fn opened(head: &Document, items_key: &str) -> Vec<u8> {
    let mut bytes = json::encode(head);
    bytes.pop();
    bytes.extend_from_slice(format!(",\"{items_key}\":[").as_bytes());
    bytes
}
