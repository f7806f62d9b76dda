//! How upstream words lists of names in its refusals.

/// `"a", "b"`, in plain quotes (upstream's `joinQuote`).
pub fn quoted(items: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| format!("\"{}\"", item.as_ref())).collect();
    items.join(", ")
}

/// The word for one or for several (upstream's `pluralize`).
pub fn plural(count: usize, one: &'static str, several: &'static str) -> &'static str {
    if count == 1 { one } else { several }
}

/// `container "a"`, `containers "a", "b"`.
pub fn named_containers(names: &[&str]) -> String {
    format!("{} {}", plural(names.len(), "container", "containers"), quoted(names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_container_and_several_are_worded_apart() {
        assert_eq!(named_containers(&["a"]), r#"container "a""#);
        assert_eq!(named_containers(&["a", "b"]), r#"containers "a", "b""#);
    }
}
