//! The registry of built-in schemas: parses the generated table of definitions once, when the first one is asked for.
//!
//! The table's form is told in `xtask/src/codegen/schemas.rs`. All definitions are built together (a few milliseconds,
//! about a megabyte) because nearly all refer to each other; texts are slices of the embedded table.

use skiff_apimachinery::schema::{
    Field, ListType, MapType, PatchStrategy, ProtoKind, Schema, SchemaRef, Text, Type,
};
use skiff_apimachinery::{Document, GroupVersionKind};
use std::collections::HashMap;
use std::sync::OnceLock;

const TABLE: &str = include_str!("generated/schemas.txt");

/// Definitions that upstream's OpenAPI document leaves out and its protobuf encoding has.
const EXTRA: &str = "\
=io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata o gvk:meta.k8s.io/v1/PartialObjectMetadata
apiVersion s
kind s
metadata $io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta 1 !
=io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadataList o gvk:meta.k8s.io/v1/PartialObjectMetadataList
apiVersion s
items [$io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata 2 * !
kind s
metadata $io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta 1 !
";

/// Name of the definition of integers or strings.
pub const INT_OR_STRING: &str = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
/// Name of the definition of quantities.
pub const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";

const SCHEMA: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";
const SCHEMA_OR: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOr";

/// The schema of a definition such as `io.k8s.api.core.v1.Pod`.
pub fn lookup(definition: &str) -> Option<SchemaRef> {
    registry().schemas.get(definition).map(|slot| SchemaRef::Static(slot))
}

/// The schema of a kind.
pub fn lookup_kind(kind: &GroupVersionKind) -> Option<SchemaRef> {
    lookup(definition_name(kind)?)
}

/// The definition's name of a kind.
pub fn definition_name(kind: &GroupVersionKind) -> Option<&'static str> {
    let key = (kind.group.as_ref(), kind.version.as_ref(), kind.kind.as_ref());
    registry().kinds.get(&key).copied()
}

/// One definition as the table writes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Definition {
    /// Name, without the leading dot's meaning resolved.
    name: &'static str,
    /// Tokens after the name.
    pub(crate) head: &'static str,
    /// Lines of the fields.
    pub(crate) body: &'static str,
}

impl Definition {
    /// Full name.
    pub(crate) fn name(&self) -> String {
        full(self.name)
    }

    /// Lines of the fields, split.
    pub(crate) fn fields(&self) -> impl Iterator<Item = FieldLine> {
        self.body.lines().filter_map(FieldLine::parse)
    }

    /// Groups, versions and kinds of the definition.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
        self.head.split(' ').filter_map(|token| {
            let mut parts = token.strip_prefix("gvk:")?.split('/');
            Some((parts.next()?, parts.next()?, parts.next()?))
        })
    }
}

/// One field as the table writes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FieldLine {
    /// JSON name.
    pub(crate) name: &'static str,
    /// Type.
    pub(crate) ty: &'static str,
    /// Protobuf numbers, required and other marks.
    pub(crate) marks: &'static str,
}

impl FieldLine {
    fn parse(line: &'static str) -> Option<Self> {
        let (name, rest) = line.split_once(' ')?;
        let (ty, marks) = rest.split_once(' ').unwrap_or((rest, ""));
        Some(Self { name, ty, marks })
    }

    /// Whether the mark stands alone (`*`, `!`, `^`).
    pub(crate) fn has(&self, mark: &str) -> bool {
        self.marks.split(' ').any(|token| token == mark)
    }

    /// The text after a mark such as `ps:`.
    pub(crate) fn value(&self, mark: &str) -> Option<&'static str> {
        if mark == "df:" {
            return self.marks.split_once("df:").map(|(_, value)| value);
        }
        self.marks.split(' ').find_map(|token| token.strip_prefix(mark))
    }

    fn numbers(&self) -> Vec<u32> {
        let first = self.marks.split(' ').next().unwrap_or("");
        first.split('.').map_while(|number| number.parse().ok()).collect()
    }
}

/// Definitions in the table's order.
pub(crate) fn definitions() -> impl Iterator<Item = Definition> {
    [TABLE, EXTRA].into_iter().flat_map(|table| table.split("\n=")).filter_map(block)
}

fn block(text: &'static str) -> Option<Definition> {
    let text = text.strip_prefix('=').unwrap_or(text);
    if text.starts_with('#') {
        return None;
    }
    let (first, body) = text.split_once('\n').unwrap_or((text, ""));
    let (name, head) = first.split_once(' ')?;
    Some(Definition { name, head, body })
}

/// A definition's name in full: a leading dot stands for `io.k8s.api`.
pub(crate) fn full(name: &str) -> String {
    if name.starts_with('.') { format!("io.k8s.api{name}") } else { name.to_owned() }
}

struct Registry {
    schemas: HashMap<&'static str, &'static OnceLock<Schema>>,
    kinds: HashMap<(&'static str, &'static str, &'static str), &'static str>,
}

fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(build)
}

fn build() -> Registry {
    let definitions: Vec<Definition> = definitions().collect();
    let slots: &'static [OnceLock<Schema>] = Vec::leak(definitions.iter().map(|_| OnceLock::new()).collect());
    let mut builder = Builder {
        slots: definitions.iter().zip(slots).map(|(d, slot)| (d.name, (*d, slot))).collect(),
        inline: HashMap::new(),
    };
    let mut registry = Registry { schemas: HashMap::new(), kinds: HashMap::new() };
    for (definition, slot) in definitions.iter().zip(slots) {
        let name: &'static str = String::leak(definition.name());
        // each definition comes once, so the slot is empty
        let _ = slot.set(builder.definition(definition, Text::Borrowed(name)));
        registry.schemas.insert(name, slot);
        for kind in definition.kinds() {
            // DeleteOptions and WatchEvent are of every group: their own definition is the only one that says so
            registry.kinds.insert(kind, name);
        }
    }
    registry
}

struct Builder {
    slots: HashMap<&'static str, (Definition, &'static OnceLock<Schema>)>,
    /// Scalars, lists and maps, shared by all fields that say the same.
    inline: HashMap<(&'static str, Marks), SchemaRef>,
}

/// The marks that belong to a field's value, not to the field.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Marks {
    list: Option<&'static str>,
    map: Option<&'static str>,
    default: Option<&'static str>,
}

impl Builder {
    fn definition(&mut self, definition: &Definition, name: Text) -> Schema {
        let mut tokens = definition.head.split(' ');
        let mut schema = self.plain(tokens.next().unwrap_or("a"));
        if tokens.any(|token| token == "mt:atomic") {
            schema.map = MapType::Atomic;
        }
        special(name.as_ref(), &mut schema);
        if name.starts_with(SCHEMA_OR) {
            // a schema or something else; what it holds is told here so that the protobuf codec finds it
            schema.items = self.slots.get(SCHEMA).map(|(_, slot)| SchemaRef::Static(slot));
        }
        schema.name = Some(name);
        for line in definition.fields() {
            if line.has("*") {
                schema.required.push(Text::Borrowed(line.name));
            }
            schema.fields.push(self.field(&line));
        }
        schema
    }

    fn field(&mut self, line: &FieldLine) -> Field {
        let marks = Marks { list: line.value("lt:"), map: line.value("mt:"), default: line.value("df:") };
        let mut field = Field::new(line.name, self.reference(line.ty, marks));
        let mut numbers = line.numbers();
        field.proto_number = numbers.pop().unwrap_or(0);
        field.proto_outer = numbers;
        field.proto_kind = proto_kind(line.ty);
        field.always = line.has("!");
        field.pointer = line.has("^");
        field.merge_key = line.value("mk:").map(Text::Borrowed);
        for strategy in line.value("ps:").into_iter().flat_map(|list| list.split(',')) {
            match strategy {
                "merge" => field.patch.merge = true,
                "replace" => field.patch.replace = true,
                _ => field.patch.retain_keys = true,
            }
        }
        debug_assert!(field.patch != PatchStrategy::default() || field.merge_key.is_none());
        field
    }

    fn reference(&mut self, ty: &'static str, marks: Marks) -> SchemaRef {
        if let Some(target) = ty.strip_prefix('$')
            && let Some((definition, slot)) = self.slots.get(target).copied()
        {
            let Some(map) = marks.map else { return SchemaRef::Static(slot) };
            let mut own = self.definition(&definition, Text::Owned(definition.name()));
            own.map = map_type(map);
            return own.into();
        }
        if let Some(shared) = self.inline.get(&(ty, marks)) {
            return shared.clone();
        }
        let mut schema = self.plain(ty);
        schema.list = match marks.list {
            Some("set") => ListType::Set,
            Some(list) => list.strip_prefix("map:").map_or(ListType::Atomic, |keys| {
                ListType::Map(keys.split(',').map(Text::Borrowed).collect())
            }),
            None => ListType::Atomic,
        };
        schema.map = marks.map.map_or(MapType::Granular, map_type);
        schema.default =
            marks.default.and_then(|text| skiff_apimachinery::json::decode(text.as_bytes()).ok());
        let shared = SchemaRef::from(schema);
        self.inline.insert((ty, marks), shared.clone());
        shared
    }

    fn plain(&mut self, ty: &'static str) -> Schema {
        let of = |ty| Schema { ty, ..Schema::default() };
        let formatted = |ty, format| Schema { ty, format: Some(Text::Borrowed(format)), ..Schema::default() };
        match ty.as_bytes().first() {
            Some(b'[') => {
                Schema { items: Some(self.reference(&ty[1..], Marks::default())), ..of(Type::Array) }
            }
            Some(b'{') => {
                Schema { items: Some(self.reference(&ty[1..], Marks::default())), ..of(Type::Object) }
            }
            _ => match ty {
                "s" => of(Type::String),
                "y" => formatted(Type::String, "byte"),
                "t" => formatted(Type::String, "date-time"),
                "i4" => formatted(Type::Integer, "int32"),
                "i8" => formatted(Type::Integer, "int64"),
                "i" => of(Type::Integer),
                "n" => formatted(Type::Number, "double"),
                "b" => of(Type::Boolean),
                "o" => of(Type::Object),
                "q" => Schema { int_or_string: true, ..formatted(Type::Any, "int-or-string") },
                _ => Schema { preserve_unknown: true, ..of(Type::Any) },
            },
        }
    }
}

fn map_type(text: &str) -> MapType {
    if text == "atomic" { MapType::Atomic } else { MapType::Granular }
}

/// What a definition is beyond the words of the OpenAPI document.
fn special(name: &str, schema: &mut Schema) {
    match name {
        QUANTITY => {
            schema.ty = Type::Any;
            schema.format = Some(Text::Borrowed("quantity"));
        }
        "io.k8s.apimachinery.pkg.runtime.RawExtension" | "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1" => {
            schema.preserve_unknown = true;
            schema.map = MapType::Atomic;
        }
        _ => {}
    }
}

fn proto_kind(ty: &str) -> ProtoKind {
    match ty.trim_start_matches(['[', '{']) {
        "s" => ProtoKind::String,
        "y" => ProtoKind::Bytes,
        "b" => ProtoKind::Bool,
        "i4" | "i8" | "i" => ProtoKind::Varint,
        "n" => ProtoKind::Double,
        _ => ProtoKind::Message,
    }
}

/// A schema's default of a list key, as server-side apply fills it.
pub fn key_default(element: &Schema, key: &str) -> Option<Document> {
    element.field(key)?.schema.get().default.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(name: &str) -> SchemaRef {
        lookup(name).unwrap()
    }

    #[test]
    fn a_pod_knows_its_lists() {
        let spec = schema("io.k8s.api.core.v1.PodSpec");
        let containers = spec.get().field("containers").unwrap();
        assert_eq!(containers.proto_number, 2);
        assert_eq!(containers.merge_key.as_deref(), Some("name"));
        assert!(containers.patch.merge && containers.always && !containers.pointer);
        assert_eq!(containers.schema.get().list, ListType::Map(vec!["name".into()]));
        let ports = containers.schema.get().element().unwrap().field("ports").unwrap();
        let protocol = ports.schema.get().element().unwrap().field("protocol").unwrap();
        assert_eq!(protocol.schema.get().default, Some("TCP".into()));
    }

    #[test]
    fn inlined_structs_keep_the_numbers_around_them() {
        let selector = schema("io.k8s.api.core.v1.SecretKeySelector");
        let name = selector.get().field("name").unwrap();
        assert_eq!((name.proto_outer.as_slice(), name.proto_number), (&[1][..], 1));
    }

    #[test]
    fn kinds_lead_to_definitions() {
        let kind = GroupVersionKind::new("rbac.authorization.k8s.io", "v1", "ClusterRole");
        assert_eq!(definition_name(&kind), Some("io.k8s.api.rbac.v1.ClusterRole"));
        let schema = lookup_kind(&GroupVersionKind::new("apps", "v1", "Deployment")).unwrap();
        assert_eq!(schema.get().name.as_deref(), Some("io.k8s.api.apps.v1.Deployment"));
    }

    #[test]
    fn a_field_may_overrule_the_map_type_of_its_definition() {
        let spec = schema("io.k8s.api.core.v1.PersistentVolumeSpec");
        assert_eq!(spec.get().field("claimRef").unwrap().schema.get().map, MapType::Granular);
        assert_eq!(schema("io.k8s.api.core.v1.ObjectReference").get().map, MapType::Atomic);
    }

    #[test]
    fn fields_are_sorted_for_lookup() {
        for definition in definitions() {
            let schema = schema(&definition.name());
            let names: Vec<&str> = schema.get().fields.iter().map(|f| f.name.as_ref()).collect();
            assert!(names.is_sorted(), "{}", definition.name());
        }
    }
}
