//! The struct tags of Go's API types: field numbers, pointers, omitempty, inlined structs, enums, declared defaults.
//!
//! Reads the regular form that gofmt leaves: one field a line, tags in backquotes, `}` in the first column.

use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// All types, by package path (`k8s.io/api/core/v1`) and name.
#[derive(Default)]
pub struct Types {
    packages: BTreeMap<String, Package>,
}

#[derive(Default)]
struct Package {
    structs: BTreeMap<String, Vec<Member>>,
    enums: BTreeSet<String>,
    /// Values of string constants by their type.
    constants: BTreeMap<String, BTreeSet<String>>,
    /// `type MatchCondition v1.MatchCondition`.
    aliases: BTreeMap<String, String>,
    /// Import alias to package path, of all files together.
    imports: BTreeMap<String, String>,
}

struct Member {
    /// `None` for an inlined struct.
    json: Option<String>,
    ty: String,
    number: u32,
    omitempty: bool,
    omitzero: bool,
    default: Option<String>,
}

/// What Go says about one JSON field.
#[derive(Clone)]
pub struct Fact {
    /// Protobuf number; 0 for none.
    pub number: u32,
    /// Numbers of the inlined structs around it, outermost first.
    pub outer: Vec<u32>,
    /// Written even when empty.
    pub always: bool,
    /// A pointer.
    pub pointer: bool,
    /// Values of its enum type.
    pub values: Vec<String>,
    /// `+default`, as JSON.
    pub default: Option<String>,
}

impl Types {
    /// Reads every package of a module that declares API types.
    pub fn read_module(&mut self, module: &str, folder: &Path) -> Result<()> {
        self.read_folder(module, folder)
    }

    fn read_folder(&mut self, package: &str, folder: &Path) -> Result<()> {
        for entry in std::fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["testdata", "test", "vendor", "third_party"].contains(&name.as_str()) {
                    self.read_folder(&format!("{package}/{name}"), &path)?;
                }
            } else if name.ends_with(".go")
                && !name.ends_with("_test.go")
                && !name.starts_with("zz_generated")
                && !name.starts_with("generated")
            {
                let text = std::fs::read_to_string(&path)?;
                self.packages.entry(package.to_owned()).or_default().read(&text);
            }
        }
        Ok(())
    }

    /// Fields of a definition such as `io.k8s.api.core.v1.Pod`, inlined ones included.
    pub fn facts(&self, definition: &str) -> BTreeMap<String, Fact> {
        let mut out = BTreeMap::new();
        if let Some((package, name)) = go_name(definition) {
            self.collect(&package, name, &[], &mut out);
        }
        out
    }

    /// The members of a struct and the package that declares it, through aliases.
    fn members(&self, package: &str, name: &str) -> Option<(&str, &[Member])> {
        let (path, found) = self.packages.get_key_value(package)?;
        if let Some(members) = found.structs.get(name) {
            return Some((path, members));
        }
        let (target, plain) = found.resolve(package, found.aliases.get(name)?);
        self.members(&target, plain)
    }

    fn collect(&self, package: &str, name: &str, outer: &[u32], out: &mut BTreeMap<String, Fact>) {
        let Some((package, members)) = self.members(package, name) else { return };
        let found = &self.packages[package];
        for member in members {
            let (target, plain) = found.resolve(package, member.ty.trim_start_matches('*'));
            let Some(json) = &member.json else {
                let mut inlined = BTreeMap::new();
                self.collect(&target, plain, &[outer, &[member.number]].concat(), &mut inlined);
                if member.number == 0 {
                    // TypeMeta: the envelope carries it
                    inlined.values_mut().for_each(|fact| (fact.number, fact.outer) = (0, Vec::new()));
                }
                out.extend(inlined);
                continue;
            };
            let pointer = member.ty.starts_with('*');
            let is_struct = !pointer && self.members(&target, plain).is_some();
            let element = member.ty.trim_start_matches(['*', '[', ']']);
            let (enum_package, enum_name) = found.resolve(package, element);
            let values = self.packages.get(&enum_package).and_then(|package| package.enum_values(enum_name));
            let fact = Fact {
                number: member.number,
                outer: outer.to_vec(),
                always: !member.omitzero && (is_struct || !member.omitempty),
                pointer,
                values: values.into_iter().flatten().cloned().collect(),
                default: member.default.clone(),
            };
            out.insert(json.clone(), fact);
        }
    }
}

/// `io.k8s.api.core.v1.Pod` is `Pod` of `k8s.io/api/core/v1`.
fn go_name(definition: &str) -> Option<(String, &str)> {
    let (package, name) = definition.rsplit_once('.')?;
    Some((format!("k8s.io/{}", package.strip_prefix("io.k8s.")?.replace('.', "/")), name))
}

impl Package {
    fn read(&mut self, text: &str) {
        let mut lines = text.lines().peekable();
        let mut comments: Vec<&str> = Vec::new();
        while let Some(line) = lines.next() {
            let trimmed = line.trim();
            if let Some(comment) = trimmed.strip_prefix("//") {
                comments.push(comment.trim());
                continue;
            }
            if let Some(import) = import(trimmed) {
                self.imports.insert(import.0, import.1);
            } else if let Some(name) = line.strip_prefix("type ").and_then(|l| l.strip_suffix(" struct {")) {
                let members = members(&mut lines);
                self.structs.insert(name.to_owned(), members);
            } else if let Some(rest) = line.strip_prefix("type ") {
                let mut words = rest.split_whitespace();
                let (name, target) = (words.next(), words.next());
                if let (Some(name), Some(target)) =
                    (name, target.filter(|t| *t != "=").or_else(|| words.next()))
                {
                    if target == "string" && comments.contains(&"+enum") {
                        self.enums.insert(name.to_owned());
                    }
                    self.aliases.insert(name.to_owned(), target.to_owned());
                }
            } else {
                self.constant(trimmed);
            }
            comments.clear();
        }
    }

    /// `Always RestartPolicy = "Always"`; the type may come before its constants or after them.
    fn constant(&mut self, line: &str) {
        let Some((left, right)) = line.split_once('=') else { return };
        let words: Vec<&str> = left.trim().trim_start_matches("const ").split_whitespace().collect();
        if let ([_, ty], Some(value)) = (words.as_slice(), quoted(right)) {
            self.constants.entry((*ty).to_owned()).or_default().insert(value);
        }
    }

    fn enum_values(&self, name: &str) -> Option<&BTreeSet<String>> {
        self.enums.get(name).and_then(|_| self.constants.get(name))
    }

    /// The package and name of a type as this package writes it.
    fn resolve<'t>(&self, package: &str, ty: &'t str) -> (String, &'t str) {
        match ty.split_once('.') {
            Some((alias, name)) => (self.imports.get(alias).cloned().unwrap_or_default(), name),
            None => (package.to_owned(), ty),
        }
    }
}

/// `metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"`, with the last segment as alias where none is given.
fn import(line: &str) -> Option<(String, String)> {
    let line = line.strip_prefix("import ").unwrap_or(line);
    let (alias, rest) = line.split_once('"')?;
    let path = rest.strip_suffix('"')?;
    if !path.starts_with("k8s.io/") || alias.contains(['=', '(', '`']) {
        return None;
    }
    let alias = match alias.trim() {
        "" => path.rsplit('/').next().unwrap_or(path),
        alias => alias,
    };
    Some((alias.to_owned(), path.to_owned()))
}

fn members<'t>(lines: &mut impl Iterator<Item = &'t str>) -> Vec<Member> {
    let mut out = Vec::new();
    let mut default = None;
    for line in lines {
        if line == "}" {
            break;
        }
        let trimmed = line.trim();
        if let Some(comment) = trimmed.strip_prefix("//") {
            if let Some(value) = comment.trim().strip_prefix("+default=").filter(|v| !v.starts_with("ref(")) {
                default = Some(value.to_owned());
            }
            continue;
        }
        let Some((declaration, tags)) = trimmed.split_once('`') else { continue };
        let Some(json) = tag(tags, "json") else { continue };
        let mut options = json.split(',');
        let name = options.next().unwrap_or_default();
        let options: Vec<&str> = options.collect();
        if name == "-" {
            continue;
        }
        let words: Vec<&str> = declaration.split_whitespace().collect();
        let Some(ty) = words.last() else { continue };
        let number = tag(tags, "protobuf").and_then(|t| t.split(',').nth(1)?.parse().ok()).unwrap_or(0);
        out.push(Member {
            json: (!options.contains(&"inline") && !name.is_empty()).then(|| name.to_owned()),
            ty: (*ty).to_owned(),
            number,
            omitempty: options.contains(&"omitempty"),
            omitzero: options.contains(&"omitzero"),
            default: default.take(),
        });
    }
    out
}

fn tag<'t>(tags: &'t str, key: &str) -> Option<&'t str> {
    let (_, rest) = tags.split_once(&format!("{key}:\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

fn quoted(text: &str) -> Option<String> {
    let (_, rest) = text.trim().split_once('"')?;
    rest.split_once('"').map(|(value, _)| value.to_owned())
}
