//! The walk over a document and its schema: types, unknown fields, canonical forms.

use super::complete::{absent_in_go, complete_fields};
use super::unknown_field;
use crate::schema::{Schema, Type};
use crate::{Document, Node, Quantity, time};
use base64::Engine;

/// Most problems that are reported; a body can hold many.
const MAX_PROBLEMS: usize = 100;

/// A value of a type that the field does not take; the text is Go's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TypeError(String);

/// Makes the document fit the schema. Returns the unknown fields that it dropped: `unknown field "spec.foo"`.
///
/// # Errors
/// If a value has the wrong type.
pub fn conform(doc: &mut Document, schema: &Schema) -> Result<Vec<String>, TypeError> {
    let mut walk = Walk { path: Vec::new(), holders: Vec::new(), problems: Vec::new() };
    walk.value(doc, schema)?;
    Ok(walk.problems)
}

enum Step {
    Field(String),
    MapKey(String),
    Index(usize),
}

struct Walk<'s> {
    path: Vec<Step>,
    /// The structs around the value, outermost first.
    holders: Vec<&'s Schema>,
    problems: Vec<String>,
}

impl<'s> Walk<'s> {
    fn value(&mut self, doc: &mut Document, schema: &'s Schema) -> Result<(), TypeError> {
        match schema.ty {
            Type::Object if !schema.fields.is_empty() => self.fields(doc, schema),
            Type::Object => match schema.element() {
                Some(element) => self.entries(doc, schema, element),
                None if doc.as_object().is_none() && !schema.preserve_unknown => Err(self.wrong(doc, schema)),
                None => Ok(()),
            },
            Type::Array => self.elements(doc, schema),
            Type::String => self.string(doc, schema),
            Type::Integer => self.integer(doc, schema),
            Type::Number => match doc.node() {
                Node::Int(_) | Node::Float(_) => Ok(()),
                _ => Err(self.wrong(doc, schema)),
            },
            Type::Boolean => match doc.node() {
                Node::Bool(_) => Ok(()),
                _ => Err(self.wrong(doc, schema)),
            },
            Type::Any if schema.format.as_deref() == Some("quantity") => quantity(doc),
            Type::Any if schema.int_or_string => int_or_string(doc),
            Type::Any => Ok(()),
        }
    }

    fn fields(&mut self, doc: &mut Document, schema: &'s Schema) -> Result<(), TypeError> {
        if doc.as_object().is_none() {
            return Err(self.wrong(doc, schema));
        }
        self.holders.push(schema);
        let map = doc.make_object();
        let mut unknown = Vec::new();
        let mut absent = Vec::new();
        for (key, value) in map.iter_mut() {
            let Some(field) = schema.field(key) else {
                if !schema.preserve_unknown {
                    self.tell_unknown(key);
                    unknown.push(key.to_owned());
                }
                continue;
            };
            if !value.is_null() {
                self.path.push(Step::Field(key.to_owned()));
                self.value(value, field.schema.get())?;
                self.path.pop();
            }
            if value.is_null() || absent_in_go(field, value) {
                absent.push(key.to_owned());
            }
        }
        if !unknown.is_empty() || !absent.is_empty() {
            map.retain(|key, _| !unknown.iter().any(|u| u == key) && !absent.iter().any(|a| a == key));
        }
        complete_fields(map, schema);
        self.holders.pop();
        Ok(())
    }

    /// Unknown fields are told in the order in which the body has them, as Go's decoder meets them.
    fn tell_unknown(&mut self, key: &str) {
        if self.problems.len() < MAX_PROBLEMS {
            let problem = unknown_field(&self.shown(key));
            self.problems.push(problem);
        }
    }

    fn entries(
        &mut self,
        doc: &mut Document,
        schema: &'s Schema,
        element: &'s Schema,
    ) -> Result<(), TypeError> {
        if doc.as_object().is_none() {
            return Err(self.wrong(doc, schema));
        }
        for (key, value) in doc.make_object().iter_mut() {
            if value.is_null() {
                *value = go_zero(element);
                continue;
            }
            self.path.push(Step::MapKey(key.to_owned()));
            self.value(value, element)?;
            self.path.pop();
        }
        Ok(())
    }

    fn elements(&mut self, doc: &mut Document, schema: &'s Schema) -> Result<(), TypeError> {
        let Some(list) = doc.as_array_mut() else { return Err(self.wrong(doc, schema)) };
        let Some(element) = schema.element() else { return Ok(()) };
        for (i, value) in list.iter_mut().enumerate() {
            if value.is_null() {
                *value = go_zero(element);
                continue;
            }
            self.path.push(Step::Index(i));
            self.value(value, element)?;
            self.path.pop();
        }
        Ok(())
    }

    fn string(&self, doc: &mut Document, schema: &Schema) -> Result<(), TypeError> {
        let Some(text) = doc.as_str() else {
            return Err(if schema.format.as_deref() == Some("date-time") {
                TypeError(format!("json: cannot unmarshal {} into Go value of type string", kind_of(doc)))
            } else {
                self.wrong(doc, schema)
            });
        };
        match schema.format.as_deref() {
            Some("date-time") => {
                let Some(instant) = time::parse_time(text) else {
                    return Err(TypeError(format!(
                        "parsing time {text:?} as \"2006-01-02T15:04:05Z07:00\": cannot parse {text:?} as \"2006\""
                    )));
                };
                let micro = schema.name.as_deref().is_some_and(|name| name.ends_with(".MicroTime"));
                let canonical =
                    if micro { time::format_micro_time(instant) } else { time::format_time(instant) };
                if canonical != text {
                    *doc = canonical.into();
                }
                Ok(())
            }
            Some("byte") => match base64::engine::general_purpose::STANDARD.decode(text) {
                Ok(_) => Ok(()),
                Err(error) => {
                    let at = match error {
                        base64::DecodeError::InvalidByte(at, _)
                        | base64::DecodeError::InvalidLastSymbol(at, _) => at,
                        base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => {
                            text.len() / 4 * 4
                        }
                    };
                    Err(TypeError(format!("illegal base64 data at input byte {at}")))
                }
            },
            _ => Ok(()),
        }
    }

    fn integer(&self, doc: &Document, schema: &Schema) -> Result<(), TypeError> {
        match doc.node() {
            Node::Int(value) if schema.format.as_deref() != Some("int32") || i32::try_from(value).is_ok() => {
                Ok(())
            }
            _ => Err(self.wrong(doc, schema)),
        }
    }

    fn shown(&self, last: &str) -> String {
        let mut out = String::new();
        for step in &self.path {
            match step {
                Step::Field(key) | Step::MapKey(key) => {
                    if !out.is_empty() {
                        out.push('.');
                    }
                    out.push_str(key);
                }
                Step::Index(i) => out.push_str(&format!("[{i}]")),
            }
        }
        if !out.is_empty() {
            out.push('.');
        }
        out + last
    }

    /// `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`.
    fn wrong(&self, doc: &Document, schema: &Schema) -> TypeError {
        let kind = match (doc.node(), schema.ty) {
            (Node::Int(value), Type::Integer) => format!("number {value}"),
            (Node::Float(_), Type::Integer) => format!("number {doc}"),
            _ => kind_of(doc).to_owned(),
        };
        let ty = go_type(schema);
        let Some(holder) = self.holders.last().filter(|_| !self.path.is_empty()) else {
            return TypeError(format!("json: cannot unmarshal {kind} into Go value of type {ty}"));
        };
        let names: Vec<&str> = self
            .path
            .iter()
            .filter_map(|step| match step {
                Step::Field(key) => Some(key.as_str()),
                // Go's decoder names neither keys nor indices
                Step::MapKey(_) | Step::Index(_) => None,
            })
            .collect();
        let holder = holder.name.as_deref().and_then(|name| name.rsplit('.').next()).unwrap_or_default();
        TypeError(format!(
            "json: cannot unmarshal {kind} into Go struct field {holder}.{} of type {ty}",
            names.join(".")
        ))
    }
}

fn quantity(doc: &mut Document) -> Result<(), TypeError> {
    match Quantity::from_document(doc) {
        Some(Ok(value)) => {
            let canonical = value.to_string();
            if doc.as_str() != Some(&canonical) {
                *doc = canonical.into();
            }
            Ok(())
        }
        Some(Err(error)) => Err(TypeError(error.to_string())),
        None => Err(TypeError(crate::quantity::QuantityError::Format.to_string())),
    }
}

fn int_or_string(doc: &Document) -> Result<(), TypeError> {
    match doc.node() {
        Node::String(_) => Ok(()),
        Node::Int(value) if i32::try_from(value).is_ok() => Ok(()),
        Node::Int(_) | Node::Float(_) => {
            Err(TypeError(format!("json: cannot unmarshal number {doc} into Go value of type int32")))
        }
        _ => Err(TypeError(format!("json: cannot unmarshal {} into Go value of type int32", kind_of(doc)))),
    }
}

/// What Go holds where JSON says null and there is no absence: in lists and maps.
fn go_zero(schema: &Schema) -> Document {
    match schema.ty {
        Type::Object => Document::object(),
        Type::Array => Document::array(),
        Type::String if schema.format.as_deref() == Some("date-time") => Document::NULL,
        Type::String => "".into(),
        Type::Integer | Type::Number => 0.into(),
        Type::Boolean => false.into(),
        Type::Any if schema.format.as_deref() == Some("quantity") => "0".into(),
        Type::Any => Document::NULL,
    }
}

fn kind_of(doc: &Document) -> &'static str {
    match doc.node() {
        Node::Null => "null",
        Node::Bool(_) => "bool",
        Node::Int(_) | Node::Float(_) => "number",
        Node::String(_) => "string",
        Node::Array(_) => "array",
        Node::Object(_) => "object",
    }
}

/// The Go type as `%T` prints it.
fn go_type(schema: &Schema) -> String {
    match schema.ty {
        Type::Object | Type::Any if schema.name.is_some() => {
            let name = schema.name.as_deref().unwrap_or_default();
            let mut parts = name.rsplitn(3, '.');
            let (kind, package) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            format!("{package}.{kind}")
        }
        Type::Object => format!("map[string]{}", schema.element().map_or("interface {}".to_owned(), go_type)),
        Type::Array => format!("[]{}", schema.element().map_or("interface {}".to_owned(), go_type)),
        Type::String if schema.format.as_deref() == Some("byte") => "[]uint8".to_owned(),
        Type::String => "string".to_owned(),
        Type::Integer => schema.format.as_deref().unwrap_or("int64").to_owned(),
        Type::Number => "float64".to_owned(),
        Type::Boolean => "bool".to_owned(),
        Type::Any => "interface {}".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc;
    use crate::schema::Field;

    fn of(ty: Type) -> Schema {
        Schema { ty, ..Schema::default() }
    }

    fn schema() -> Schema {
        let int32 = Schema { format: Some("int32".into()), ..of(Type::Integer) };
        let quantity = Schema { format: Some("quantity".into()), ..of(Type::Any) };
        let amounts = Schema { items: Some(quantity.into()), ..of(Type::Object) };
        let labels = Schema { items: Some(of(Type::String).into()), ..of(Type::Object) };
        let args = Schema { items: Some(of(Type::String).into()), ..of(Type::Array) };
        let mut replicas = Field::new("replicas", int32);
        replicas.pointer = true;
        let strategy = Schema {
            name: Some("io.k8s.api.apps.v1.DeploymentStrategy".into()),
            fields: vec![Field::new("type", of(Type::String))],
            ..of(Type::Object)
        };
        let mut strategy = Field::new("strategy", strategy);
        strategy.always = true;
        let time = Schema { format: Some("date-time".into()), ..of(Type::String) };
        let spec = Schema {
            name: Some("io.k8s.api.apps.v1.DeploymentSpec".into()),
            fields: vec![
                Field::new("amounts", amounts),
                Field::new("args", args),
                Field::new("labels", labels),
                Field::new("paused", of(Type::Boolean)),
                replicas,
                strategy,
                Field::new("time", time),
            ],
            ..of(Type::Object)
        };
        Schema {
            name: Some("io.k8s.api.apps.v1.Deployment".into()),
            fields: vec![Field::new("spec", spec)],
            ..of(Type::Object)
        }
    }

    #[test]
    fn unknown_fields_are_dropped_and_told() {
        let mut doc =
            doc!({"spec": {"Replicas": 1, "strategy": {"x": 1}, "replicas": 0, "paused": false}, "foo": 1});
        let problems = conform(&mut doc, &schema()).unwrap();
        assert_eq!(
            problems,
            [
                r#"unknown field "spec.Replicas""#,
                r#"unknown field "spec.strategy.x""#,
                r#"unknown field "foo""#
            ]
        );
        assert_eq!(doc, doc!({"spec": {"strategy": {}, "replicas": 0}}));
    }

    #[test]
    fn nulls_are_absent_and_canonical_forms_are_taken() {
        let mut doc = doc!({"spec": {
            "replicas": null, "labels": {"a": null}, "args": [null],
            "amounts": {"cpu": 0.5, "memory": "1024Mi", "pods": 3}, "time": "2026-01-02T03:04:05.6+01:00"
        }});
        assert!(conform(&mut doc, &schema()).unwrap().is_empty());
        assert_eq!(
            doc,
            doc!({"spec": {
                "labels": {"a": ""}, "args": [""], "amounts": {"cpu": "500m", "memory": "1Gi", "pods": "3"},
                "time": "2026-01-02T02:04:05Z", "strategy": {}
            }})
        );
        let once = doc.clone();
        conform(&mut doc, &schema()).unwrap();
        assert_eq!(doc, once);
    }

    #[test]
    fn wrong_types_are_refused_in_gos_words() {
        let cases = [
            (
                doc!({"replicas": "3"}),
                "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
            ),
            (
                doc!({"replicas": 3_000_000_000_i64}),
                "json: cannot unmarshal number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32",
            ),
            (
                doc!({"labels": {"a": 1}}),
                "json: cannot unmarshal number into Go struct field DeploymentSpec.spec.labels of type string",
            ),
            (
                doc!({"args": "x"}),
                "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.args of type []string",
            ),
            (
                doc!({"strategy": []}),
                "json: cannot unmarshal array into Go struct field DeploymentSpec.spec.strategy of type v1.DeploymentStrategy",
            ),
            (
                doc!({"amounts": {"cpu": "x"}}),
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            ),
        ];
        for (spec, expected) in cases {
            let mut doc = doc!({"spec": spec});
            assert_eq!(conform(&mut doc, &schema()).unwrap_err().to_string(), expected);
        }
    }
}
