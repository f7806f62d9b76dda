//! `DefaultIngressClass`: a new Ingress that names no class gets the default one.

use super::{Operation, Plugin, Request, default_class};
use crate::objects::Objects;
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, GroupResource, Status};
use std::sync::Arc;

/// The annotation that named an Ingress's class before the field did.
const ANNOTATION: &str = "kubernetes.io/ingress.class";
/// The annotation that marks a class as the default one.
const DEFAULT: &str = "ingressclass.kubernetes.io/is-default-class";

/// The plugin.
pub struct DefaultIngressClass {
    objects: Arc<dyn Objects>,
}

impl DefaultIngressClass {
    /// Over current ingress classes.
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects }
    }

    fn fill(&self, request: &Request<'_>, ingress: &mut Document) {
        let concerned =
            request.operation == Operation::Create && request.is("networking.k8s.io", "ingresses");
        let has_class = ingress.annotation(ANNOTATION).is_some()
            || ingress.at(&["spec", "ingressClassName"]).is_some_and(|name| !name.is_null());
        if !concerned || has_class {
            return;
        }
        let classes = GroupResource::new("networking.k8s.io", "ingressclasses");
        if let Some(class) = default_class::newest(&*self.objects, &classes, &[DEFAULT]) {
            ingress.set(&["spec", "ingressClassName"], class.name());
        }
    }
}

impl Plugin for DefaultIngressClass {
    fn name(&self) -> &'static str {
        "DefaultIngressClass"
    }

    fn admit<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a mut Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        self.fill(request, object);
        Box::pin(std::future::ready(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::testing::{self, Write};
    use skiff_apimachinery::doc;

    #[test]
    fn only_an_ingress_without_a_class_gets_the_default_one() {
        let class = doc!({"metadata": {"name": "front", "annotations": {(DEFAULT): "true"}}});
        let plugin = DefaultIngressClass::new(testing::objects(vec![("ingressclasses", class)]));
        let create = Write::create("networking.k8s.io", "ingresses");
        let filled = create.admit(&plugin, doc!({"spec": {}})).unwrap();
        assert_eq!(filled, doc!({"spec": {"ingressClassName": "front"}}));
        for given in [
            doc!({"spec": {"ingressClassName": "own"}}),
            doc!({"metadata": {"annotations": {(ANNOTATION): "own"}}, "spec": {}}),
        ] {
            assert_eq!(create.admit(&plugin, given.clone()).unwrap(), given);
        }
    }
}
