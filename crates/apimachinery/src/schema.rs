//! What a kind's fields are: types, list and map semantics, merge keys, protobuf tags, validation rules.
//!
//! One shape for built-in kinds (made from the generated tables of `api`) and custom resources (made from a CRD's
//! openAPIV3Schema), so that decoding, pruning, defaulting, patching, applying and OpenAPI know no difference.

use crate::Document;
use std::sync::{Arc, OnceLock};

/// Shared text.
pub type Text = std::borrow::Cow<'static, str>;

/// The JSON type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Type {
    /// Anything goes (no type given, such as RawExtension).
    #[default]
    Any,
    /// A map: of named fields, or of one value type under free keys.
    Object,
    /// A list.
    Array,
    /// A string.
    String,
    /// An integer.
    Integer,
    /// A number.
    Number,
    /// A boolean.
    Boolean,
}

/// How server-side apply and strategic merge see a list (`x-kubernetes-list-type`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ListType {
    /// Replaced as a whole, owned by one manager.
    #[default]
    Atomic,
    /// Scalars, each owned by itself.
    Set,
    /// Objects told apart by these keys.
    Map(Vec<Text>),
}

/// How server-side apply sees a map (`x-kubernetes-map-type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MapType {
    /// Each key is owned by itself.
    #[default]
    Granular,
    /// Replaced as a whole.
    Atomic,
}

/// Strategic merge directives of a field (`x-kubernetes-patch-strategy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PatchStrategy {
    /// Lists are merged by key, not replaced.
    pub merge: bool,
    /// Maps are replaced.
    pub replace: bool,
    /// `$retainKeys` is understood.
    pub retain_keys: bool,
}

/// How a field is written in protobuf where its JSON form does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProtoKind {
    /// The message, or list or map of it, that the schema describes.
    #[default]
    Message,
    /// `string`.
    String,
    /// `bytes`, base64 in JSON.
    Bytes,
    /// `bool`.
    Bool,
    /// `int32`, `int64`, `uint32` or `uint64`: all varints.
    Varint,
    /// `double`.
    Double,
    /// `float`.
    Float,
}

/// One named field of an object.
#[derive(Debug, Clone)]
pub struct Field {
    /// The JSON name.
    pub name: Text,
    /// What it holds.
    pub schema: SchemaRef,
    /// Strategic merge directives.
    pub patch: PatchStrategy,
    /// The key by which strategic merge tells list elements apart.
    pub merge_key: Option<Text>,
    /// Protobuf field number; 0 where there is none (custom resources).
    pub proto_number: u32,
    /// Protobuf form of the value, or of a list's elements or a map's values.
    pub proto_kind: ProtoKind,
    /// Numbers of the messages that protobuf nests around the field where JSON is flat (Go's inlined structs),
    /// outermost first; mostly empty.
    pub proto_outer: Vec<u32>,
    /// Upstream always writes the field, even when empty (no `omitempty`).
    pub always: bool,
    /// Go holds a pointer, so that a zero value that is present says something.
    pub pointer: bool,
}

impl Field {
    /// A field without merge directives and without a protobuf tag, as custom resources have.
    pub fn new(name: impl Into<Text>, schema: impl Into<SchemaRef>) -> Self {
        Self {
            name: name.into(),
            schema: schema.into(),
            patch: PatchStrategy::default(),
            merge_key: None,
            proto_number: 0,
            proto_kind: ProtoKind::Message,
            proto_outer: Vec::new(),
            always: false,
            pointer: false,
        }
    }
}

/// Rules that only some schemas carry (mostly custom resources).
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "the names are JSON schema's keywords")]
pub struct Rules {
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
    pub exclusive_minimum: bool,
    pub exclusive_maximum: bool,
    pub multiple_of: Option<f64>,
    pub min_length: Option<u64>,
    pub max_length: Option<u64>,
    pub pattern: Option<Text>,
    pub min_items: Option<u64>,
    pub max_items: Option<u64>,
    pub unique_items: bool,
    pub min_properties: Option<u64>,
    pub max_properties: Option<u64>,
    pub enumeration: Vec<Document>,
    pub all_of: Vec<SchemaRef>,
    pub any_of: Vec<SchemaRef>,
    pub one_of: Vec<SchemaRef>,
    pub not: Option<SchemaRef>,
    /// `x-kubernetes-validations`, as given; CEL compiles it elsewhere.
    pub validations: Vec<Document>,
    /// The pattern, compiled when first needed; `None` inside if it is no regular expression.
    pub compiled_pattern: OnceLock<Option<regex::Regex>>,
}

impl Rules {
    /// Largest compiled pattern, so that a definition cannot take the server's memory.
    const MAX_PATTERN: usize = 1 << 20;

    /// Compiles a pattern; `None` if it is no regular expression.
    pub fn compile_pattern(pattern: &str) -> Option<regex::Regex> {
        regex::RegexBuilder::new(pattern).size_limit(Self::MAX_PATTERN).build().ok()
    }

    /// Whether the text matches the pattern; `None` without a pattern that compiles.
    pub fn matches_pattern(&self, text: &str) -> Option<bool> {
        let pattern = self.pattern.as_deref()?;
        let compiled = self.compiled_pattern.get_or_init(|| Self::compile_pattern(pattern));
        compiled.as_ref().map(|regex| regex.is_match(text))
    }
}

/// What a value may be.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    /// Definition name of a built-in type, such as `io.k8s.api.core.v1.PodSpec`.
    pub name: Option<Text>,
    /// JSON type.
    pub ty: Type,
    /// `int32`, `int64`, `double`, `byte`, `date-time`, `int-or-string`, `quantity` ...
    pub format: Option<Text>,
    /// Named fields, sorted by name.
    pub fields: Vec<Field>,
    /// What a list holds, or a free map's values.
    pub items: Option<SchemaRef>,
    /// Names of required fields.
    pub required: Vec<Text>,
    /// List semantics.
    pub list: ListType,
    /// Map semantics.
    pub map: MapType,
    /// Integer or string (`x-kubernetes-int-or-string`).
    pub int_or_string: bool,
    /// Unknown fields stay (`x-kubernetes-preserve-unknown-fields`).
    pub preserve_unknown: bool,
    /// A whole object with apiVersion, kind and metadata (`x-kubernetes-embedded-resource`).
    pub embedded: bool,
    /// Null is a value.
    pub nullable: bool,
    /// Default of custom resource fields; built-ins default in their kind's file.
    pub default: Option<Document>,
    /// Text for `explain`; empty for built-ins, whose texts come from elsewhere.
    pub description: Text,
    /// Validation rules, if there are any.
    pub rules: Option<Box<Rules>>,
}

impl Schema {
    /// The named field.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.binary_search_by(|field| field.name.as_ref().cmp(name)).ok().map(|i| &self.fields[i])
    }

    /// What a key of this object holds: the named field's schema, or the free map's value schema.
    pub fn value_of(&self, key: &str) -> Option<&Schema> {
        self.field(key).map(|field| field.schema.get()).or_else(|| match self.ty {
            Type::Object => self.items.as_ref().map(SchemaRef::get),
            _ => None,
        })
    }

    /// What this list holds.
    pub fn element(&self) -> Option<&Schema> {
        self.items.as_ref().map(SchemaRef::get)
    }

    /// Whether this is an object with free keys only.
    pub fn is_free_map(&self) -> bool {
        self.ty == Type::Object && self.fields.is_empty() && self.items.is_some()
    }
}

/// A schema held by another; built-in types refer to each other in circles.
#[derive(Clone)]
pub enum SchemaRef {
    /// Owned by this place.
    Inline(Arc<Schema>),
    /// A definition of the built-in registry, filled before the reference is handed out.
    Static(&'static OnceLock<Schema>),
}

impl SchemaRef {
    /// The schema.
    pub fn get(&self) -> &Schema {
        match self {
            Self::Inline(schema) => schema,
            Self::Static(slot) => slot.get().expect("the registry fills every slot before handing out one"),
        }
    }
}

impl From<Schema> for SchemaRef {
    fn from(schema: Schema) -> Self {
        Self::Inline(Arc::new(schema))
    }
}

impl std::fmt::Debug for SchemaRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Inline(schema) => schema.fmt(f),
            Self::Static(slot) => f
                .debug_tuple("SchemaRef")
                .field(&slot.get().and_then(|schema| schema.name.as_deref()).unwrap_or("?"))
                .finish(),
        }
    }
}
