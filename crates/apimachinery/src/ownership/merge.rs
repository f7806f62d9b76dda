//! Merging an applied configuration into the live object.

use crate::ownership::fieldset::{element_of, is_granular, list_type};
use crate::schema::{ListType, Schema};
use crate::{Document, Map, Node};

/// The live object with everything that the configuration names set as it says.
pub(super) fn merge(live: &Document, config: &Document, schema: Option<&Schema>) -> Document {
    match (live.node(), config.node()) {
        (Node::Object(live), Node::Object(config)) if is_granular(schema) => {
            maps(live, config, schema).into()
        }
        (Node::Array(live), Node::Array(config)) if *list_type(schema) != ListType::Atomic => {
            lists(live, config, schema)
        }
        _ => config.clone(),
    }
}

fn maps(live: &Map, config: &Map, schema: Option<&Schema>) -> Map {
    let mut out = live.clone();
    for (key, value) in config.iter() {
        let merged = match live.get(key) {
            Some(current) => merge(current, value, schema.and_then(|schema| schema.value_of(key))),
            None => value.clone(),
        };
        out.insert(key, merged);
    }
    out
}

/// Elements of both: the configuration's in its order, the others where they were between them.
fn lists(live: &[Document], config: &[Document], schema: Option<&Schema>) -> Document {
    let element_schema = schema.and_then(Schema::element);
    let step = |element: &Document| element_of(list_type(schema), element_schema, element);
    let live_steps: Vec<_> = live.iter().map(step).collect();
    let config_steps: Vec<_> = config.iter().map(step).collect();
    let mut out = Vec::with_capacity(live.len().max(config.len()));
    let (mut at, mut next) = (0, 0);
    while at < live.len() || next < config.len() {
        let named = live_steps.get(at).is_some_and(|step| config_steps.contains(step));
        if at < live.len() && !named {
            out.push(live[at].clone());
            at += 1;
        } else if next < config.len() {
            let before = live_steps.iter().position(|step| *step == config_steps[next]);
            out.push(match before {
                Some(before) => merge(&live[before], &config[next], element_schema),
                None => config[next].clone(),
            });
            if live_steps.get(at) == Some(&config_steps[next]) {
                at += 1;
            }
            next += 1;
        } else {
            // Named by the configuration, and emitted where it put it.
            at += 1;
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc;
    use crate::schema::{SchemaRef, Type};

    #[test]
    fn an_element_that_moved_is_not_doubled() {
        let element = Schema { ty: Type::Object, ..Schema::default() };
        let schema = Schema {
            ty: Type::Array,
            list: ListType::Map(vec!["name".into()]),
            items: Some(SchemaRef::from(element)),
            ..Schema::default()
        };
        let names = |names: &[&str]| -> Document { names.iter().map(|n| doc!({"name": *n})).collect() };
        assert_eq!(
            merge(&names(&["a", "x", "b", "y"]), &names(&["b", "c", "a"]), Some(&schema)),
            names(&["b", "c", "a", "x", "y"])
        );
        assert_eq!(merge(&names(&["x", "a"]), &names(&["a", "b"]), Some(&schema)), names(&["x", "a", "b"]));
    }
}
