//! Versions as semver.org 2.0.0 has them: `1.2.3-rc.1+build`.

use std::cmp::Ordering;

/// A version; builds do not count when two are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SemanticVersion {
    numbers: [u64; 3],
    before: Vec<Identifier>,
}

/// A part of what stands after the hyphen. Numbers are less than words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Word(String),
}

/// Whether the text is a version, with numbers of any length.
pub(crate) fn is_version(text: &str) -> bool {
    let Some((core, before, build)) = split(text) else { return false };
    let numbers: Vec<&str> = core.split('.').collect();
    numbers.len() == 3
        && numbers.into_iter().all(is_number)
        && before.is_none_or(|before| before.split('.').all(is_before))
        && build.is_none_or(|build| build.split('.').all(is_word))
}

// === impl SemanticVersion ===

impl SemanticVersion {
    /// `0.0.0`.
    pub(crate) const ZERO: Self = Self { numbers: [0; 3], before: Vec::new() };

    /// Reads a version.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if !is_version(text) {
            return None;
        }
        let (core, before, _) = split(text)?;
        let mut numbers = core.split('.').map(|number| number.parse::<u64>().ok());
        let numbers = [numbers.next()??, numbers.next()??, numbers.next()??];
        let before = before.into_iter().flat_map(|before| before.split('.')).map(|part| {
            if part.bytes().all(|byte| byte.is_ascii_digit()) {
                part.parse().ok().map(Identifier::Number)
            } else {
                Some(Identifier::Word(part.to_owned()))
            }
        });
        Some(Self { numbers, before: before.collect::<Option<_>>()? })
    }
}

impl Ord for SemanticVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        // 1.0.0-rc.1 comes before 1.0.0
        let released = self.before.is_empty().cmp(&other.before.is_empty());
        self.numbers.cmp(&other.numbers).then(released).then_with(|| self.before.cmp(&other.before))
    }
}

impl PartialOrd for SemanticVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The numbers, what stands after the hyphen, and the build.
fn split(text: &str) -> Option<(&str, Option<&str>, Option<&str>)> {
    let (rest, build) = text.split_once('+').map_or((text, None), |(rest, build)| (rest, Some(build)));
    let (core, before) = rest.split_once('-').map_or((rest, None), |(core, before)| (core, Some(before)));
    Some((core, before, build)).filter(|(core, ..)| !core.is_empty())
}

fn is_number(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text.len() == 1 || !text.starts_with('0'))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_before(text: &str) -> bool {
    is_number(text) || (is_word(text) && !text.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_from_other_texts() {
        for text in ["0.0.0", "1.2.3", "1.2.3-rc.1", "1.2.3-0a", "1.2.3+5.a-b", "1.2.3-x-y+z"] {
            assert!(is_version(text), "{text}");
        }
        for text in
            ["", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.3-01", "1.2.3-", "1.2.3+", "v1.2.3", "1.2.3-a..b"]
        {
            assert!(!is_version(text) && SemanticVersion::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn versions_compare_as_releases_follow_each_other() {
        let order =
            ["0.0.0", "1.0.0-1", "1.0.0-2", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta", "1.0.0", "1.10.0"];
        let versions: Vec<_> = order.iter().map(|text| SemanticVersion::parse(text).unwrap()).collect();
        assert!(versions.is_sorted() && versions[0] == SemanticVersion::ZERO);
        let built = |build: &str| SemanticVersion::parse(&format!("1.0.0+{build}")).unwrap();
        assert_eq!(built("a"), built("b"));
    }
}
