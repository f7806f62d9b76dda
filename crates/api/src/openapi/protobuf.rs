//! OpenAPI 2.0 in gnostic's protobuf form (`openapi.v2.Document`), which kubectl prefers.
//!
//! Only the messages that our documents use are written. Vendor extensions and enum values travel as YAML text, of which
//! JSON is a part.

use skiff_apimachinery::{Document, Map, Node, json};

/// A protobuf message being written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn tag(&mut self, number: u32, wire: u32) {
        self.varint(u64::from(number << 3 | wire));
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn bytes(&mut self, number: u32, bytes: &[u8]) {
        self.tag(number, 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn message(&mut self, number: u32, message: Message) {
        self.bytes(number, &message.0);
    }

    /// A string, left out when empty.
    fn text(&mut self, number: u32, text: &str) {
        if !text.is_empty() {
            self.bytes(number, text.as_bytes());
        }
    }

    /// Strings of a list.
    fn texts(&mut self, number: u32, list: &[Document]) {
        list.iter().filter_map(Document::as_str).for_each(|text| self.bytes(number, text.as_bytes()));
    }

    /// A boolean, left out when false.
    fn flag(&mut self, number: u32, set: bool) {
        if set {
            self.tag(number, 0);
            self.varint(1);
        }
    }

    fn integer(&mut self, number: u32, value: Option<i64>) {
        if let Some(value) = value {
            self.tag(number, 0);
            self.varint(value as u64);
        }
    }

    fn double(&mut self, number: u32, value: Option<f64>) {
        if let Some(value) = value {
            self.tag(number, 1);
            self.0.extend_from_slice(&value.to_le_bytes());
        }
    }
}

/// The document, written entry by entry.
pub(super) struct Root {
    title: String,
    release: String,
    paths: Message,
    definitions: Message,
    parameters: Message,
    security: Message,
    requirement: Message,
}

impl Root {
    pub(super) fn new(title: &str, release: &str) -> Self {
        Self {
            title: title.to_owned(),
            release: release.to_owned(),
            paths: Message::default(),
            definitions: Message::default(),
            parameters: Message::default(),
            security: Message::default(),
            requirement: Message::default(),
        }
    }

    pub(super) fn path(&mut self, path: &str, item: &Document) {
        self.paths.message(2, named(path, path_item(item)));
    }

    pub(super) fn definition(&mut self, name: &str, definition: &Document) {
        self.definitions.message(1, named(name, schema(definition)));
    }

    pub(super) fn parameter(&mut self, name: &str, given: &Document) {
        self.parameters.message(1, named(name, parameter(given)));
    }

    pub(super) fn security(&mut self, name: &str, scheme: &Document) {
        let mut key = Message::default();
        for (number, field) in [(1, "type"), (2, "name"), (3, "in"), (4, "description")] {
            key.text(number, scheme.str_at(&[field]));
        }
        let mut item = Message::default();
        item.message(2, key);
        self.security.message(1, named(name, item));
        self.requirement.message(1, named(name, Message::default()));
    }

    pub(super) fn finish(self) -> Vec<u8> {
        let mut info = Message::default();
        info.text(1, &self.title);
        info.text(2, &self.release);
        let mut out = Message::default();
        out.text(1, "2.0");
        out.message(2, info);
        out.message(8, self.paths);
        out.message(9, self.definitions);
        out.message(10, self.parameters);
        out.message(12, self.requirement);
        out.message(13, self.security);
        out.0
    }
}

/// `NamedX`: how gnostic writes an entry of a map.
fn named(name: &str, value: Message) -> Message {
    let mut out = Message::default();
    out.text(1, name);
    out.message(2, value);
    out
}

/// `Any` with the value as YAML.
fn any(value: &Document) -> Message {
    let mut out = Message::default();
    out.bytes(2, &json::encode(value));
    out
}

fn extensions(out: &mut Message, number: u32, from: &Document) {
    for (key, value) in
        from.as_object().into_iter().flat_map(Map::iter).filter(|(key, _)| key.starts_with("x-"))
    {
        out.message(number, named(key, any(value)));
    }
}

fn path_item(item: &Document) -> Message {
    let mut out = Message::default();
    for (number, method) in [(2, "get"), (3, "put"), (4, "post"), (5, "delete"), (8, "patch")] {
        if let Some(given) = item.get(method) {
            out.message(number, operation(given));
        }
    }
    for given in item.array_at(&["parameters"]) {
        out.message(9, listed_parameter(given));
    }
    out
}

fn operation(given: &Document) -> Message {
    let mut out = Message::default();
    out.texts(1, given.array_at(&["tags"]));
    out.text(3, given.str_at(&["description"]));
    out.text(5, given.str_at(&["operationId"]));
    out.texts(6, given.array_at(&["produces"]));
    out.texts(7, given.array_at(&["consumes"]));
    for given in given.array_at(&["parameters"]) {
        out.message(8, listed_parameter(given));
    }
    let mut responses = Message::default();
    for (code, given) in given.object_at(&["responses"]).into_iter().flat_map(Map::iter) {
        let mut response = Message::default();
        response.text(1, given.str_at(&["description"]));
        if let Some(given) = given.get("schema") {
            let mut item = Message::default();
            item.message(1, schema(given));
            response.message(2, item);
        }
        let mut value = Message::default();
        value.message(1, response);
        responses.message(1, named(code, value));
    }
    out.message(9, responses);
    out.texts(10, given.array_at(&["schemes"]));
    extensions(&mut out, 13, given);
    out
}

fn listed_parameter(given: &Document) -> Message {
    let mut out = Message::default();
    match given.get("$ref").and_then(Document::as_str) {
        Some(reference) => {
            let mut target = Message::default();
            target.text(1, reference);
            out.message(2, target);
        }
        None => out.message(1, parameter(given)),
    }
    out
}

fn parameter(given: &Document) -> Message {
    let text = |key: &str| given.str_at(&[key]);
    let required = given.bool_at(&["required"]) == Some(true);
    let mut out = Message::default();
    if text("in") == "body" {
        let mut body = Message::default();
        body.text(1, text("description"));
        body.text(2, text("name"));
        body.text(3, "body");
        body.flag(4, required);
        if let Some(given) = given.get("schema") {
            body.message(5, schema(given));
        }
        out.message(1, body);
        return out;
    }
    let in_query = text("in") == "query";
    let mut inner = Message::default();
    inner.flag(1, required);
    inner.text(2, text("in"));
    inner.text(3, text("description"));
    inner.text(4, text("name"));
    inner.text(if in_query { 6 } else { 5 }, text("type"));
    inner.flag(if in_query { 20 } else { 19 }, given.bool_at(&["uniqueItems"]) == Some(true));
    let mut outer = Message::default();
    outer.message(if in_query { 3 } else { 4 }, inner);
    out.message(2, outer);
    out
}

fn schema(given: &Document) -> Message {
    let text = |key: &str| given.str_at(&[key]);
    let flag = |key: &str| given.bool_at(&[key]) == Some(true);
    let integer = |key: &str| given.i64_at(&[key]);
    let double = |key: &str| given.get(key).and_then(Document::as_f64);
    let mut out = Message::default();
    out.text(1, text("$ref"));
    out.text(2, text("format"));
    out.text(4, text("description"));
    out.double(6, double("multipleOf"));
    out.double(7, double("maximum"));
    out.flag(8, flag("exclusiveMaximum"));
    out.double(9, double("minimum"));
    out.flag(10, flag("exclusiveMinimum"));
    out.integer(11, integer("maxLength"));
    out.integer(12, integer("minLength"));
    out.text(13, text("pattern"));
    out.integer(14, integer("maxItems"));
    out.integer(15, integer("minItems"));
    out.flag(16, flag("uniqueItems"));
    out.integer(17, integer("maxProperties"));
    out.integer(18, integer("minProperties"));
    out.texts(19, given.array_at(&["required"]));
    for value in given.array_at(&["enum"]) {
        out.message(20, any(value));
    }
    if let Some(values) = given.get("additionalProperties") {
        let mut item = Message::default();
        match values.node() {
            Node::Bool(allowed) => {
                item.tag(2, 0);
                item.varint(u64::from(allowed));
            }
            _ => item.message(1, schema(values)),
        }
        out.message(21, item);
    }
    if !text("type").is_empty() {
        let mut ty = Message::default();
        ty.text(1, text("type"));
        out.message(22, ty);
    }
    if let Some(element) = given.get("items") {
        let mut items = Message::default();
        items.message(1, schema(element));
        out.message(23, items);
    }
    if let Some(properties) = given.object_at(&["properties"]) {
        let mut list = Message::default();
        for (name, property) in properties.iter() {
            list.message(1, named(name, schema(property)));
        }
        out.message(25, list);
    }
    extensions(&mut out, 31, given);
    out
}
