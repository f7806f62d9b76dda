//! The number of a pod in its set: the pod's name ends with it.

use skiff_apimachinery::Document;
use std::ops::Range;

/// The name of the pod with a number.
pub(super) fn pod_name(set: &Document, ordinal: i64) -> String {
    format!("{}-{ordinal}", set.name())
}

/// The number of a pod; `None` if its name is none that the set gives.
pub(super) fn of(set: &Document, pod: &Document) -> Option<i64> {
    let digits = pod.name().strip_prefix(set.name())?.strip_prefix('-')?;
    let ordinal: u32 = digits.parse().ok()?;
    (ordinal <= i32::MAX.unsigned_abs() && ordinal.to_string() == digits).then_some(ordinal.into())
}

/// The numbers that the set's pods are to have.
pub(super) fn wanted(set: &Document) -> Range<i64> {
    let start = start(set);
    start..start + replicas(set)
}

/// `spec.ordinals.start`.
pub(super) fn start(set: &Document) -> i64 {
    set.i64_at(&["spec", "ordinals", "start"]).unwrap_or(0)
}

/// `spec.replicas`.
pub(super) fn replicas(set: &Document) -> i64 {
    set.i64_at(&["spec", "replicas"]).unwrap_or(1).clamp(0, i32::MAX.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn only_names_that_the_set_gives_have_a_number() {
        let named = |name: &str| doc!({"metadata": {"name": name}});
        let cases = [
            ("web-0", Some(0)),
            ("web-12", Some(12)),
            ("web-2147483647", Some(2_147_483_647)),
            ("web-2147483648", None),
            ("web-99999999999999999999", None),
            ("web-01", None),
            ("web-+1", None),
            ("web--1", None),
            ("web-", None),
            ("web", None),
            ("web-a", None),
            ("web-1-2", None),
            ("webs-1", None),
        ];
        for (pod, wanted) in cases {
            assert_eq!(of(&named("web"), &named(pod)), wanted, "{pod}");
        }
        assert_eq!(of(&named("web-1"), &named("web-1-2")), Some(2));
    }

    #[test]
    fn the_numbers_begin_where_the_set_says() {
        let set = |spec: Document| doc!({"spec": spec});
        assert_eq!(wanted(&set(doc!({}))), 0..1);
        assert_eq!(wanted(&set(doc!({"replicas": 3}))), 0..3);
        assert_eq!(wanted(&set(doc!({"replicas": 3, "ordinals": {"start": 5}}))), 5..8);
        assert_eq!(wanted(&set(doc!({"replicas": 0, "ordinals": {"start": 5}}))), 5..5);
    }
}
