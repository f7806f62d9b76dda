//! Names made from `metadata.generateName`.

/// Letters and digits that form no words and are not mistaken for one another.
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const SUFFIX: usize = 5;
/// Longest base that is kept: a DNS label less the suffix.
const MAX_BASE: usize = crate::names::MAX_LABEL - SUFFIX;

/// The base, cut at 58 bytes, and five random characters. `random` yields any numbers.
pub fn generate_name(base: &str, random: &mut dyn FnMut() -> u32) -> String {
    let end = (0..=base.len().min(MAX_BASE)).rev().find(|&end| base.is_char_boundary(end)).unwrap_or(0);
    format!("{}{}", &base[..end], random_suffix(SUFFIX, random))
}

/// Random characters that are safe in names, as ReplicaSets and Pods carry them.
pub fn random_suffix(length: usize, random: &mut dyn FnMut() -> u32) -> String {
    (0..length).map(|_| char::from(ALPHABET[random() as usize % ALPHABET.len()])).collect()
}

/// A number written in the same alphabet: digits of the decimal text map to safe characters, as pod template hashes do.
pub fn safe_encode(text: &str) -> String {
    text.bytes().map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_base_is_cut_so_that_the_name_stays_a_label() {
        let mut next = 0;
        let name = generate_name(&"a".repeat(100), &mut || {
            next += 1;
            next
        });
        assert_eq!(name.len(), 63);
        assert!(name.ends_with("acdfgh"));
    }

    #[test]
    fn hashes_are_encoded_as_upstream_encodes_them() {
        assert_eq!(safe_encode("1234567890"), "56789bcdf4");
    }
}
