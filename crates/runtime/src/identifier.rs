//! Ids of sandboxes and containers: 64 hexadecimal digits, as containerd's.

use rand::RngCore;

/// A new id.
pub fn new() -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    hex(&bytes)
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The id that `given`, an id or its unique start, stands for.
pub fn resolve<'a, T>(map: &'a std::collections::BTreeMap<String, T>, given: &str) -> Option<&'a T> {
    if let Some(exact) = map.get(given) {
        return Some(exact);
    }
    let mut matching = map.range(given.to_owned()..).take_while(|(id, _)| id.starts_with(given));
    match (matching.next(), matching.next()) {
        (Some((_, only)), None) if !given.is_empty() => Some(only),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_unique_start_stands_for_an_id() {
        let map: BTreeMap<String, u8> =
            [("aaaa".to_owned(), 1), ("aabb".to_owned(), 2), ("b".to_owned(), 3)].into();
        assert_eq!(resolve(&map, "aab"), Some(&2));
        assert_eq!(resolve(&map, "aa"), None);
        assert_eq!(resolve(&map, "b"), Some(&3));
        assert_eq!(resolve(&map, ""), None);
        assert_eq!(resolve(&map, "c"), None);
    }
}
