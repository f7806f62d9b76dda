//! `downwardAPI`: fields of the pod and resources of its containers as files, kept current.

use super::atomic_writer::{File, Payload};
use super::content::{DEFAULT_MODE, Medium, write};
use super::{Place, SetUp, Volume, VolumeError};
use crate::pod::field_ref::{self, Addresses};
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::{DownwardAPIVolumeFile, Volume as Spec};

struct DownwardApi {
    items: Vec<DownwardAPIVolumeFile>,
    default_mode: i32,
}

/// The volume, if the spec is of this type.
pub fn from(spec: &Spec) -> Option<Box<dyn Volume>> {
    let source = spec.downward_api.as_ref()?;
    Some(Box::new(DownwardApi {
        items: source.items.clone().unwrap_or_default(),
        default_mode: source.default_mode.unwrap_or(DEFAULT_MODE),
    }))
}

/// Adds the files of these items to a payload.
///
/// # Errors
/// If a field or resource does not exist.
pub fn collect(
    place: &Place<'_>,
    items: &[DownwardAPIVolumeFile],
    default_mode: i32,
    payload: &mut Payload,
) -> Result<(), VolumeError> {
    for item in items {
        let text = match (&item.field_ref, &item.resource_field_ref) {
            (Some(field), _) => field_ref::field(place.pod, &field.field_path, &Addresses::default())?,
            (None, Some(resource)) => field_ref::resource(place.pod, None, resource, place.allocatable)?,
            (None, None) => continue,
        };
        let mode = item.mode.unwrap_or(default_mode);
        payload.insert(item.path.clone().into(), File { bytes: text.into_bytes(), mode, owner: None });
    }
    Ok(())
}

impl Volume for DownwardApi {
    fn plugin(&self) -> &'static str {
        "kubernetes.io~downward-api"
    }

    fn set_up<'a>(&'a self, place: &'a Place<'a>) -> BoxFuture<'a, Result<SetUp, VolumeError>> {
        Box::pin(async move {
            let mut payload = Payload::new();
            collect(place, &self.items, self.default_mode, &mut payload)?;
            write(place, Medium::Memory, payload, None).await
        })
    }
}
