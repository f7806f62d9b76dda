//! `AlwaysPullImages`: images are pulled for every pod anew, so that nobody runs an image that only others may pull.

use super::{Operation, Plugin, Request, plain_error};
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, FieldError, FieldPath, Status};

const CONTAINERS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];
const ALWAYS: &str = "Always";

/// The plugin.
pub struct AlwaysPullImages;

/// Whether a pod is created, or updated to images that it did not have.
fn concerns(request: &Request<'_>, pod: &Document) -> bool {
    let has_new_image = || {
        let known = |image: &str| request.old.is_some_and(|old| images(old).any(|known| known == image));
        images(pod).any(|image| !known(image))
    };
    request.is("", "pods")
        && match request.operation {
            Operation::Create => true,
            Operation::Update => has_new_image(),
            Operation::Delete | Operation::Connect => false,
        }
}

/// The images of the pod's containers and image volumes (KEP-4639).
fn images(pod: &Document) -> impl Iterator<Item = &str> {
    let of_containers = CONTAINERS
        .iter()
        .flat_map(move |list| pod.array_at(&["spec", list]))
        .map(|container| container.str_at(&["image"]));
    let of_volumes = pod
        .array_at(&["spec", "volumes"])
        .iter()
        .filter_map(|volume| volume.at(&["image", "reference"]).and_then(Document::as_str));
    of_containers.chain(of_volumes)
}

fn pull_always(pod: &mut Document) {
    for list in CONTAINERS {
        let containers = pod.at_mut(&["spec", list]).and_then(Document::as_array_mut);
        for container in containers.into_iter().flatten() {
            container.insert("imagePullPolicy", ALWAYS);
        }
    }
    let volumes = pod.at_mut(&["spec", "volumes"]).and_then(Document::as_array_mut);
    for volume in volumes.into_iter().flatten() {
        if let Some(image) = volume.get_mut("image").and_then(Document::as_object_mut) {
            image.insert("pullPolicy", ALWAYS);
        }
    }
}

fn check(request: &Request<'_>, pod: &Document) -> Result<(), Status> {
    if !concerns(request, pod) {
        return Ok(());
    }
    let mut texts = Vec::new();
    let mut judge = |field: &FieldPath, policy: &str| {
        if policy != ALWAYS {
            let error = FieldError::not_supported(field, policy, &[ALWAYS]);
            texts.push(request.forbidden(&error.to_string()).message);
        }
    };
    let spec = FieldPath::new("spec");
    for list in CONTAINERS {
        for (index, container) in pod.array_at(&["spec", list]).iter().enumerate() {
            let field = spec.child(list).index(index).child("imagePullPolicy");
            judge(&field, container.str_at(&["imagePullPolicy"]));
        }
    }
    for (index, volume) in pod.array_at(&["spec", "volumes"]).iter().enumerate() {
        if volume.object_at(&["image"]).is_some() {
            let field = spec.child("volumes").index(index).child("image").child("pullPolicy");
            judge(&field, volume.str_at(&["image", "pullPolicy"]));
        }
    }
    match texts.as_slice() {
        [] => Ok(()),
        [one] => Err(plain_error(one)),
        several => Err(plain_error(&format!("[{}]", several.join(", ")))),
    }
}

impl Plugin for AlwaysPullImages {
    fn name(&self) -> &'static str {
        "AlwaysPullImages"
    }

    fn admit<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a mut Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        if concerns(request, object) {
            pull_always(object);
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn validate<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(check(request, object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::testing::Write;
    use skiff_apimachinery::doc;

    fn pod(policy: &str) -> Document {
        doc!({"spec": {
            "initContainers": [{"image": "i", "imagePullPolicy": policy}],
            "containers": [{"image": "c", "imagePullPolicy": policy}],
            "volumes": [{"name": "v", "image": {"reference": "v", "pullPolicy": policy}}, {"name": "w"}]
        }})
    }

    #[test]
    fn a_new_pod_pulls_all_its_images() {
        let admitted = Write::create("", "pods").admit(&AlwaysPullImages, pod("Never")).unwrap();
        assert_eq!(admitted, pod(ALWAYS));
        assert_eq!(Write::create("", "pods").refusal(&AlwaysPullImages, &admitted), "");
    }

    #[test]
    fn an_update_without_a_new_image_changes_nothing() {
        let update = Write::update("", "pods", pod("Never"));
        assert_eq!(update.admit(&AlwaysPullImages, pod("Never")).unwrap(), pod("Never"));
        assert_eq!(update.refusal(&AlwaysPullImages, &pod("Never")), "");
        let mut other = pod("Never");
        other.set(&["spec", "containers"], vec![doc!({"image": "new"})]);
        let admitted = update.admit(&AlwaysPullImages, other).unwrap();
        assert_eq!(admitted.array_at(&["spec", "containers"])[0].str_at(&["imagePullPolicy"]), ALWAYS);
    }

    #[test]
    fn what_a_later_plugin_sets_is_refused_field_by_field() {
        let mut changed = pod(ALWAYS);
        changed.set(&["spec", "containers"], vec![doc!({"image": "c", "imagePullPolicy": "Never"})]);
        assert_eq!(
            Write::create("", "pods").refusal(&AlwaysPullImages, &changed),
            r#"pods "x" is forbidden: spec.containers[0].imagePullPolicy: Unsupported value: "Never": supported values: "Always""#
        );
    }
}
