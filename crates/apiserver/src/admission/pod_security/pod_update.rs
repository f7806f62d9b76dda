//! Whether an update of a pod can change what its security is worth.

use skiff_apimachinery::Document;

/// Whether the policy has to be asked again (upstream's `isSignificantPodUpdate`): of what may change in a
/// pod, only new containers and new images matter, so that pods from before the policy can still be labelled
/// and finished.
pub fn is_significant(new: &Document, old: &Document) -> bool {
    ["containers", "initContainers"].into_iter().any(|list| {
        let (new, old) = (new.array_at(&["spec", list]), old.array_at(&["spec", list]));
        new.len() != old.len() || new.iter().zip(old).any(|(new, old)| image(new) != image(old))
    }) || has_new_ephemeral_container(new, old)
}

/// Ephemeral containers are matched by name.
fn has_new_ephemeral_container(new: &Document, old: &Document) -> bool {
    let list = ["spec", "ephemeralContainers"];
    new.array_at(&list).iter().any(|container| {
        let before = old.array_at(&list).iter().find(|other| name(other) == name(container));
        before.is_none_or(|before| image(before) != image(container))
    })
}

fn name(container: &Document) -> &str {
    container.str_at(&["name"])
}

fn image(container: &Document) -> &str {
    container.str_at(&["image"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn only_containers_and_images_are_significant() {
        let pod = |init: Document, ordinary: Document, ephemeral: Document| {
            doc!({"spec": {
                "initContainers": init, "containers": ordinary, "ephemeralContainers": ephemeral
            }})
        };
        let a = || doc!([{"name": "a", "image": "x"}]);
        let other_image = || doc!([{"name": "a", "image": "y"}]);
        let none = || doc!([]);
        for (what, old, new, want) in [
            ("nothing", pod(a(), a(), a()), pod(a(), a(), a()), false),
            (
                "label",
                pod(none(), a(), none()),
                doc!({"metadata": {"labels": {"k": "v"}}, "spec": {
                    "tolerations": [{"operator": "Exists"}], "containers": [{"name": "a", "image": "x"}]
                }}),
                false,
            ),
            ("image", pod(none(), a(), none()), pod(none(), other_image(), none()), true),
            ("init image", pod(a(), a(), none()), pod(other_image(), a(), none()), true),
            ("container", pod(none(), none(), none()), pod(none(), a(), none()), true),
            ("init container", pod(none(), a(), none()), pod(a(), a(), none()), true),
            ("new ephemeral", pod(none(), a(), none()), pod(none(), a(), a()), true),
            ("ephemeral image", pod(none(), a(), a()), pod(none(), a(), other_image()), true),
            ("lost ephemeral", pod(none(), a(), a()), pod(none(), a(), none()), false),
        ] {
            assert_eq!(is_significant(&new, &old), want, "{what}");
        }
    }
}
