//! How often a DaemonSet's template changed. The field is gone from `apps/v1`, so that upstream keeps the number in an
//! annotation, which every DaemonSet has and nobody but the server changes.

use super::super::workload;
use skiff_apimachinery::Document;

const ANNOTATION: &str = "deprecated.daemonset.template.generation";
const PATH: [&str; 3] = ["metadata", "annotations", ANNOTATION];

fn number(object: &Document) -> i64 {
    object.annotation(ANNOTATION).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Shows the number where a client left it out.
pub(super) fn show(object: &mut Document) {
    object.set_default(&PATH, "0");
}

/// The first template is change one, unless the client counts from another number.
pub(super) fn begin(object: &mut Document) {
    let first = number(object).max(1);
    object.set(&PATH, first.to_string());
}

/// Counts a change of the template.
pub(super) fn count(new: &mut Document, old: &Document) {
    let template = |object: &Document| workload::given(object, &["spec", "template"]).cloned();
    let changed = template(new) != template(old);
    new.set(&PATH, (number(old) + i64::from(changed)).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Strategy;
    use crate::kinds::daemon_set::DaemonSet;
    use crate::strategy::UpdateScope;
    use skiff_apimachinery::doc;

    #[test]
    fn the_server_counts_changes_of_the_template() {
        let sent = |image: &str| doc!({"spec": {"template": {"spec": {"containers": [{"name": "a", "image": image}]}}}});
        let mut first = sent("a:1");
        DaemonSet.default(&mut first);
        DaemonSet.prepare_for_create(&mut first);
        assert_eq!(first.annotation(ANNOTATION), Some("1"));

        let cases = [
            ("the same", "a:1", None, "1"),
            ("another image", "a:2", None, "2"),
            ("a claim", "a:1", Some("9"), "1"),
        ];
        for (case, image, claimed, expected) in cases {
            let mut new = sent(image);
            if let Some(claimed) = claimed {
                new.set(&PATH, claimed);
            }
            DaemonSet.default(&mut new);
            DaemonSet.prepare_for_update(UpdateScope::Main, &mut new, &first);
            assert_eq!(new.annotation(ANNOTATION), Some(expected), "{case}");
        }
    }

    #[test]
    fn a_client_may_say_where_to_begin() {
        for (claimed, expected) in [("5", "5"), ("-3", "1"), ("many", "1")] {
            let mut object = doc!({"spec": {}});
            object.set(&PATH, claimed);
            DaemonSet.prepare_for_create(&mut object);
            assert_eq!(object.annotation(ANNOTATION), Some(expected));
        }
    }

    #[test]
    fn writes_of_the_status_do_not_change_the_number() {
        let mut old = doc!({"spec": {}, "status": {}});
        old.set(&PATH, "4");
        let mut new = doc!({"spec": {"template": {}}, "status": {"numberReady": 1}});
        DaemonSet.prepare_for_update(UpdateScope::Status, &mut new, &old);
        assert_eq!(new.annotation(ANNOTATION), Some("4"));
        assert_eq!(new.i64_at(&["status", "numberReady"]), Some(1));
    }
}
