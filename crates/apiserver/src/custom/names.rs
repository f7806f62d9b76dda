//! Which names a definition gets: those that it asks for, as long as nobody in its group had them before.

use super::conditions::{Condition, NAMES_ACCEPTED};
use skiff_apimachinery::{Document, doc};
use std::collections::HashSet;

/// The names in a group that definitions have.
#[derive(Debug, Default)]
pub(super) struct Claims {
    resources: HashSet<String>,
    kinds: HashSet<String>,
}

/// What a definition gets of what it asks for.
#[derive(Debug, PartialEq)]
pub(super) struct Verdict {
    /// `status.acceptedNames`.
    pub(super) accepted: Document,
    /// Whether that is all it asks for.
    pub(super) condition: Condition,
}

impl Claims {
    /// Adds accepted names.
    pub(super) fn add(&mut self, accepted: &Document) {
        let resources = [accepted.str_at(&["plural"]), accepted.str_at(&["singular"])];
        let short = accepted.array_at(&["shortNames"]).iter().filter_map(Document::as_str);
        let taken = resources.into_iter().chain(short).filter(|name| !name.is_empty());
        self.resources.extend(taken.map(str::to_owned));
        let kinds = [accepted.str_at(&["kind"]), accepted.str_at(&["listKind"])];
        self.kinds.extend(kinds.into_iter().filter(|name| !name.is_empty()).map(str::to_owned));
    }

    /// Decides which names a definition gets.
    pub(super) fn judge(&self, definition: &Document) -> Verdict {
        let nothing = Document::object();
        let wanted = definition.at(&["spec", "names"]).unwrap_or(&nothing);
        let had = definition.at(&["status", "acceptedNames"]).unwrap_or(&nothing);
        let mut got = Accepted::of(had);
        let mut problem: Option<(&'static str, String)> = None;
        let resources = &self.resources;

        for (field, reason, taken) in [
            ("plural", "PluralConflict", resources),
            ("singular", "SingularConflict", resources),
            ("kind", "KindConflict", &self.kinds),
            ("listKind", "ListKindConflict", &self.kinds),
        ] {
            let name = wanted.str_at(&[field]);
            match claim(name, had.str_at(&[field]), taken) {
                Ok(()) => got.set(field, name.into()),
                // The last problem is told, as upstream does.
                Err(why) => problem = Some((reason, why)),
            }
            if field == "singular" {
                match claim_short_names(wanted, had, resources) {
                    Ok(()) => got.set("shortNames", wanted["shortNames"].clone()),
                    Err(why) => problem = Some(("ShortNamesConflict", why)),
                }
            }
        }
        got.set("categories", wanted["categories"].clone());
        let condition = match problem {
            None => Condition::new(NAMES_ACCEPTED, true, "NoConflicts", "no conflicts found"),
            Some((reason, why)) => Condition::new(NAMES_ACCEPTED, false, reason, why),
        };
        Verdict { accepted: got.0, condition }
    }
}

/// Accepted names, fields in upstream's order.
struct Accepted(Document);

impl Accepted {
    fn of(had: &Document) -> Self {
        let mut out = Self(
            doc!({"plural": "", "singular": "", "shortNames": [], "kind": "", "listKind": "", "categories": []}),
        );
        for field in ["plural", "singular", "shortNames", "kind", "listKind", "categories"] {
            out.set(field, had[field].clone());
        }
        out
    }

    fn set(&mut self, field: &str, value: Document) {
        let required = matches!(field, "plural" | "kind");
        if !value.is_empty() {
            self.0.insert(field.to_owned(), value);
        } else if required {
            self.0.insert(field.to_owned(), "");
        } else {
            self.0.remove(&[field]);
        }
    }
}

fn claim(wanted: &str, had: &str, taken: &HashSet<String>) -> Result<(), String> {
    if wanted == had || !taken.contains(wanted) {
        Ok(())
    } else {
        Err(format!("{wanted:?} is already in use"))
    }
}

fn claim_short_names(wanted: &Document, had: &Document, taken: &HashSet<String>) -> Result<(), String> {
    let had: HashSet<&str> = had.array_at(&["shortNames"]).iter().filter_map(Document::as_str).collect();
    let wanted = wanted.array_at(&["shortNames"]).iter().filter_map(Document::as_str);
    let problems: Vec<String> =
        wanted.filter(|name| !had.contains(name)).filter_map(|name| claim(name, "", taken).err()).collect();
    match problems.as_slice() {
        [] => Ok(()),
        [one] => Err(one.clone()),
        many => Err(format!("[{}]", many.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(names: Document) -> Document {
        doc!({"spec": {"names": names}})
    }

    #[test]
    fn free_names_are_accepted() {
        let names = doc!({
            "plural": "boats", "singular": "boat", "kind": "Boat", "listKind": "BoatList", "shortNames": ["bt"],
            "categories": ["all"]
        });
        let verdict = Claims::default().judge(&definition(names.clone()));
        assert_eq!(verdict.accepted, names);
        assert_eq!(
            verdict.condition,
            Condition::new(NAMES_ACCEPTED, true, "NoConflicts", "no conflicts found")
        );
    }

    #[test]
    fn names_of_others_are_not() {
        let mut claims = Claims::default();
        claims.add(&doc!({"plural": "boats", "singular": "boat", "kind": "Boat", "listKind": "BoatList", "shortNames": ["bt"]}));
        let other = definition(doc!({
            "plural": "ships", "singular": "ship", "kind": "Ship", "listKind": "ShipList", "shortNames": ["bt", "boat", "sh"]
        }));
        let verdict = claims.judge(&other);
        assert_eq!(
            verdict.condition,
            Condition::new(
                NAMES_ACCEPTED,
                false,
                "ShortNamesConflict",
                "[\"bt\" is already in use, \"boat\" is already in use]"
            )
        );
        assert_eq!(verdict.accepted.get("shortNames"), None);
        assert_eq!(verdict.accepted.str_at(&["plural"]), "ships");
    }

    #[test]
    fn a_definition_keeps_the_names_that_it_has() {
        let names = doc!({"plural": "boats", "singular": "boat", "kind": "Boat", "listKind": "BoatList"});
        let mut claims = Claims::default();
        claims.add(&names);
        let mut definition = definition(names.clone());
        definition.set(&["status", "acceptedNames"], names);
        assert!(claims.judge(&definition).condition.holds);
    }
}
