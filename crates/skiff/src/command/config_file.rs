//! `--config FILE`: flags from a YAML file, as k3s has it. Keys are flag names; the command line wins.

use anyhow::{Context, Result, bail};
use skiff_apimachinery::{Document, Node, yaml};
use std::ffi::OsString;

/// Puts the flags of the file that `--config` names before those of the command line.
pub(super) fn expand(arguments: Vec<OsString>) -> Result<Vec<OsString>> {
    // Other commands have configuration files of upstream's kinds.
    if arguments.get(1).is_none_or(|command| command != "server") {
        return Ok(arguments);
    }
    let Some(path) = named(&arguments) else { return Ok(arguments) };
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.to_string_lossy()))?;
    let document = yaml::decode(&text).with_context(|| format!("{} is no YAML", path.to_string_lossy()))?;
    let mut out: Vec<OsString> = arguments.iter().take(2).cloned().collect();
    out.extend(flags(&document).with_context(|| path.to_string_lossy().into_owned())?);
    out.extend(arguments.into_iter().skip(2));
    Ok(out)
}

fn named(arguments: &[OsString]) -> Option<OsString> {
    let mut iter = arguments.iter();
    while let Some(argument) = iter.next() {
        let text = argument.to_string_lossy();
        if text == "--config" || text == "-c" {
            return iter.next().cloned();
        }
        if let Some(path) = text.strip_prefix("--config=") {
            return Some(path.into());
        }
    }
    None
}

fn flags(document: &Document) -> Result<Vec<OsString>> {
    let Some(map) = document.as_object() else {
        if document.is_null() {
            return Ok(Vec::new());
        }
        bail!("must hold a map from flag names to values");
    };
    let mut out = Vec::new();
    for (name, value) in map.iter() {
        let values = match value.node() {
            Node::Array(list) => list,
            _ => std::slice::from_ref(value),
        };
        for value in values {
            match value.node() {
                Node::Bool(true) => out.push(format!("--{name}").into()),
                Node::Bool(false) | Node::Null => {}
                Node::String(text) => out.push(format!("--{name}={text}").into()),
                Node::Int(number) => out.push(format!("--{name}={number}").into()),
                _ => bail!("{name} must be a text, a number, a boolean or a list of them"),
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn keys_become_flags_and_lists_repeat_them() {
        let flags = flags(&doc!({"data-dir": "/d", "https-listen-port": 1, "disable": ["dns", "x"], "disable-agent": true, "off": false}))
            .unwrap();
        assert_eq!(
            flags,
            ["--data-dir=/d", "--https-listen-port=1", "--disable=dns", "--disable=x", "--disable-agent"]
        );
    }
}
