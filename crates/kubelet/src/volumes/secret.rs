//! `secret`: the keys of a Secret as files in memory, kept current.

use super::atomic_writer::Payload;
use super::content::{DEFAULT_MODE, Medium, ObjectFiles, write};
use super::{Place, SetUp, Volume, VolumeError};
use crate::objects::Reference;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Volume as Spec;

struct Secret(ObjectFiles);

/// The volume, if the spec is of this type.
pub fn from(spec: &Spec) -> Option<Box<dyn Volume>> {
    let source = spec.secret.as_ref()?;
    Some(Box::new(Secret(ObjectFiles {
        reference: Reference::secret(source.secret_name.clone().unwrap_or_default()),
        items: source.items.clone(),
        default_mode: source.default_mode.unwrap_or(DEFAULT_MODE),
        optional: source.optional == Some(true),
    })))
}

impl Volume for Secret {
    fn plugin(&self) -> &'static str {
        "kubernetes.io~secret"
    }

    fn set_up<'a>(&'a self, place: &'a Place<'a>) -> BoxFuture<'a, Result<SetUp, VolumeError>> {
        Box::pin(async move {
            let mut payload = Payload::new();
            self.0.collect(place, &mut payload).await?;
            write(place, Medium::Memory, payload, None).await
        })
    }

    fn references(&self) -> Vec<Reference> {
        vec![self.0.reference.clone()]
    }
}
