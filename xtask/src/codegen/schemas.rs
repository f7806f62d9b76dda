//! The table of definitions: a line `=NAME ...` for each, followed by a line for each field.
//!
//! ```text
//! =NAME TYPE [gvk:GROUP/VERSION/KIND].. [mt:atomic] [union:DISCRIMINATOR:FIELD=VALUE,..]
//! FIELD TYPE [NUMBER[.NUMBER]..] [*] [!] [^] [lt:set | lt:map:KEYS | lt:atomic] [mt:atomic] [ps:..] [mk:..] [en:..] [df:JSON]
//! ```
//! TYPE: `s` string, `i4` int32, `i8` int64, `i` integer, `n` double, `b` boolean, `y` bytes, `t` date-time, `o` object,
//! `q` int-or-string, `a` anything, `[T` list, `{T` map, `$NAME` reference where a leading dot stands for `io.k8s.api`. NUMBERs are
//! protobuf's, outermost inlined struct first. `*` required, `!` always written, `^` pointer.

use super::go_types::{Fact, Types};
use super::openapi::{Document, Schema};
use anyhow::{Result, bail};
use std::fmt::Write as _;

/// The table's text.
pub fn table(document: &Document, types: &Types) -> Result<String> {
    let mut out = String::new();
    for (name, schema) in &document.definitions {
        write!(out, "={} {}", short(name), type_of(schema)?)?;
        for kind in &schema.kinds {
            write!(out, " gvk:{}/{}/{}", kind.group, kind.version, kind.kind)?;
        }
        if let Some(map_type) = &schema.map_type {
            write!(out, " mt:{map_type}")?;
        }
        for union in &schema.unions {
            let fields: Vec<String> =
                union.fields.iter().map(|(field, value)| format!("{field}={value}")).collect();
            write!(out, " union:{}:{}", union.discriminator, fields.join(","))?;
        }
        out.push('\n');
        let facts = types.facts(name);
        for (field, property) in &schema.properties {
            let Some(fact) = facts.get(field) else { bail!("{name}.{field} is not in the Go types") };
            line(&mut out, field, property, schema.required.contains(field), fact)?;
        }
    }
    Ok(out)
}

fn line(out: &mut String, name: &str, schema: &Schema, required: bool, fact: &Fact) -> Result<()> {
    write!(out, "{name} {}", type_of(schema)?)?;
    if fact.number != 0 {
        let numbers: Vec<String> = fact.outer.iter().chain([&fact.number]).map(u32::to_string).collect();
        write!(out, " {}", numbers.join("."))?;
    }
    for (set, mark) in [(required, '*'), (fact.always, '!'), (fact.pointer, '^')] {
        if set {
            write!(out, " {mark}")?;
        }
    }
    match (schema.list_type.as_deref(), schema.list_map_keys.as_slice()) {
        (None, _) => {}
        (Some("map"), keys) => write!(out, " lt:map:{}", keys.join(","))?,
        (Some(other), _) => write!(out, " lt:{other}")?,
    }
    for (mark, value) in
        [("mt", &schema.map_type), ("ps", &schema.patch_strategy), ("mk", &schema.patch_merge_key)]
    {
        if let Some(value) = value {
            write!(out, " {mark}:{value}")?;
        }
    }
    if !fact.values.is_empty() {
        write!(out, " en:{}", fact.values.join(","))?;
    }
    if let Some(default) = &fact.default {
        write!(out, " df:{default}")?;
    }
    out.push('\n');
    Ok(())
}

fn type_of(schema: &Schema) -> Result<String> {
    if let Some(reference) = &schema.reference {
        return Ok(format!("${}", short(reference.trim_start_matches("#/definitions/"))));
    }
    Ok(match (schema.ty.as_deref(), schema.format.as_deref()) {
        (Some("string"), None) => "s".into(),
        (Some("string"), Some("byte")) => "y".into(),
        (Some("string"), Some("date-time")) => "t".into(),
        (Some("string"), Some("int-or-string")) => "q".into(),
        (Some("integer"), Some("int32")) => "i4".into(),
        (Some("integer"), Some("int64")) => "i8".into(),
        (Some("integer"), None) => "i".into(),
        (Some("number"), _) => "n".into(),
        (Some("boolean"), _) => "b".into(),
        (None, _) => "a".into(),
        (Some("array"), _) => format!("[{}", schema.items.as_deref().map_or(Ok("a".into()), type_of)?),
        (Some("object"), _) => match schema.values.as_deref() {
            Some(values) => format!("{{{}", type_of(values)?),
            None => "o".into(),
        },
        other => bail!("unknown type {other:?}"),
    })
}

fn short(name: &str) -> &str {
    name.strip_prefix("io.k8s.api").filter(|rest| rest.starts_with('.')).unwrap_or(name)
}
