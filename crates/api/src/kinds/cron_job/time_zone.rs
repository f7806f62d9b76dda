//! Names of time zones.

use skiff_apimachinery::cron::zone;
use skiff_apimachinery::{FieldError, FieldErrors, FieldPath};

/// What is wrong with a zone that was given.
pub(super) fn validate(name: &str, field: &FieldPath) -> FieldErrors {
    if name.is_empty() {
        return vec![FieldError::invalid(field, name, "timeZone must be nil or non-empty string")];
    }
    if !name.split('/').all(is_part) {
        return vec![FieldError::invalid(field, name, unknown(name))];
    }
    let mut out = FieldErrors::new();
    if name.eq_ignore_ascii_case("Local") {
        let why = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
        out.push(FieldError::invalid(field, name, why));
    }
    if let Err(why) = zone::load(name) {
        out.push(FieldError::invalid(field, name, why));
    }
    out
}

/// Parts are files of a database to upstream, so that none may leave its folder.
fn is_part(part: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_+".contains(c);
    (1..=14).contains(&part.len())
        && ![".", ".."].contains(&part)
        && !part.starts_with('-')
        && part.chars().all(plain)
}

fn unknown(name: &str) -> String {
    format!("unknown time zone {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_those_of_the_database() {
        const EXPLICIT: &str =
            "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
        let cases: [(&str, &[&str]); 12] = [
            ("UTC", &[]),
            ("America/Argentina/Buenos_Aires", &[]),
            ("Etc/GMT+1", &[]),
            ("", &["timeZone must be nil or non-empty string"]),
            ("Local", &[EXPLICIT]),
            ("local", &[EXPLICIT, "unknown time zone local"]),
            ("America/New York", &["unknown time zone America/New York"]),
            ("america/new_york", &["unknown time zone america/new_york"]),
            ("Continent/Zone", &["unknown time zone Continent/Zone"]),
            ("../UTC", &["unknown time zone ../UTC"]),
            ("/UTC", &["unknown time zone /UTC"]),
            ("Etc/-UTC", &["unknown time zone Etc/-UTC"]),
        ];
        for (name, expected) in cases {
            let errors = validate(name, &FieldPath::new("spec.timeZone"));
            let texts: Vec<&str> = errors.iter().map(|error| error.detail.as_str()).collect();
            assert_eq!(texts, expected, "{name:?}");
        }
    }
}
