//! `projected`: several sources in one directory: service-account tokens, ConfigMaps, Secrets, the downward API.
//!
//! Tokens come from the TokenRequest subresource, bound to the pod, and are asked anew at 80 % of their life or after a
//! day. A token that is still fresh is kept when the volume is refreshed for other reasons.

use super::atomic_writer::{File, Payload};
use super::content::{DEFAULT_MODE, Medium, ObjectFiles, write};
use super::{Place, SetUp, Volume, VolumeError, downward_api};
use crate::objects::Reference;
use crate::pod::PodView;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{
    KeyToPath, ProjectedVolumeSource, ServiceAccountTokenProjection, Volume as Spec, VolumeProjection,
};
use skiff_apimachinery::time::parse_time;
use skiff_apimachinery::{Document, doc};
use skiff_client::resources::SERVICE_ACCOUNTS;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

const LONGEST_USE: SignedDuration = SignedDuration::from_hours(24);
const DEFAULT_LIFE: i64 = 3600;

#[derive(Debug, Clone)]
struct Token {
    text: String,
    refresh_at: Timestamp,
}

/// Tokens that are in use, by volume directory and path; bounded by the pods of the node, dropped with their volumes.
#[derive(Debug, Default)]
pub struct TokenCache(Mutex<HashMap<PathBuf, Token>>);

struct Projected(ProjectedVolumeSource);

impl TokenCache {
    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, Token>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the tokens below a directory.
    pub fn forget(&self, dir: &Path) {
        self.lock().retain(|path, _| !path.starts_with(dir));
    }
}

/// The volume, if the spec is of this type.
pub fn from(spec: &Spec) -> Option<Box<dyn Volume>> {
    Some(Box::new(Projected(spec.projected.clone()?)))
}

impl Projected {
    fn default_mode(&self) -> i32 {
        self.0.default_mode.unwrap_or(DEFAULT_MODE)
    }

    fn sources(&self) -> impl Iterator<Item = &VolumeProjection> {
        self.0.sources.iter().flatten()
    }

    fn object_files(&self, source: &VolumeProjection) -> Option<ObjectFiles> {
        let files = |reference, items: &Option<Vec<KeyToPath>>, optional: Option<bool>| ObjectFiles {
            reference,
            items: items.clone(),
            default_mode: self.default_mode(),
            optional: optional == Some(true),
        };
        match (&source.config_map, &source.secret) {
            (Some(map), _) => Some(files(Reference::config_map(&map.name), &map.items, map.optional)),
            (None, Some(secret)) => {
                Some(files(Reference::secret(&secret.name), &secret.items, secret.optional))
            }
            (None, None) => None,
        }
    }
}

impl Volume for Projected {
    fn plugin(&self) -> &'static str {
        "kubernetes.io~projected"
    }

    fn set_up<'a>(&'a self, place: &'a Place<'a>) -> BoxFuture<'a, Result<SetUp, VolumeError>> {
        Box::pin(async move {
            let mut payload = Payload::new();
            let mut refresh_at: Option<Timestamp> = None;
            for source in self.sources() {
                if let Some(files) = self.object_files(source) {
                    files.collect(place, &mut payload).await?;
                } else if let Some(fields) = &source.downward_api {
                    let items = fields.items.as_deref().unwrap_or(&[]);
                    downward_api::collect(place, items, self.default_mode(), &mut payload)?;
                } else if let Some(projection) = &source.service_account_token {
                    let token = token(place, projection).await?;
                    refresh_at = Some(refresh_at.map_or(token.refresh_at, |at| at.min(token.refresh_at)));
                    let file = self.token_file(place.pod, token);
                    payload.insert(projection.path.clone().into(), file);
                } else {
                    return Err(VolumeError("projected volume source is not supported".into()));
                }
            }
            write(place, Medium::Memory, payload, refresh_at).await
        })
    }

    fn references(&self) -> Vec<Reference> {
        self.sources().filter_map(|source| self.object_files(source)).map(|files| files.reference).collect()
    }
}

impl Projected {
    /// A token is readable only for its pod's user or group, where they are known.
    fn token_file(&self, pod: &PodView, token: Token) -> File {
        let group = pod.spec().security_context.as_ref().and_then(|c| c.fs_group);
        let owner = common_user(pod);
        let mode = if owner.is_some() || group.is_some() { 0o600 } else { self.default_mode() };
        File { bytes: token.text.into_bytes(), mode, owner }
    }
}

/// The user that all containers of the pod run as, if it is one.
fn common_user(pod: &PodView) -> Option<u32> {
    let of_pod = pod.spec().security_context.as_ref().and_then(|c| c.run_as_user);
    let mut users =
        pod.containers().map(|c| c.spec.security_context.as_ref().and_then(|own| own.run_as_user).or(of_pod));
    let first = users.next()??;
    users.all(|user| user == Some(first)).then(|| u32::try_from(first).ok()).flatten()
}

async fn token(place: &Place<'_>, projection: &ServiceAccountTokenProjection) -> Result<Token, VolumeError> {
    let key = place.dir.join(&projection.path);
    let cached = place.tokens.lock().get(&key).cloned();
    if let Some(token) = cached.filter(|token| token.refresh_at > place.now) {
        return Ok(token);
    }
    let token = request(place, projection).await?;
    place.tokens.lock().insert(key, token.clone());
    Ok(token)
}

async fn request(
    place: &Place<'_>,
    projection: &ServiceAccountTokenProjection,
) -> Result<Token, VolumeError> {
    let pod = place.pod;
    let account = pod.spec().service_account_name.as_deref().unwrap_or("default");
    let mut request = doc!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "spec": {
            "audiences": [],
            "expirationSeconds": projection.expiration_seconds.unwrap_or(DEFAULT_LIFE),
            "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": pod.name(), "uid": pod.uid()}
        }
    });
    if let Some(audience) = projection.audience.as_deref().filter(|audience| !audience.is_empty()) {
        request.ensure(&["spec", "audiences"]).push(audience);
    }
    let answer = place
        .client
        .create_subresource(&SERVICE_ACCOUNTS, pod.namespace(), account, "token", request)
        .await
        .map_err(|status| VolumeError(format!("failed to fetch token: {}", status.message)))?;
    let text = answer.str_at(&["status", "token"]).to_owned();
    if text.is_empty() {
        return Err(VolumeError("failed to fetch token: the answer holds none".into()));
    }
    Ok(Token { text, refresh_at: refresh_at(&answer, place.now) })
}

/// 80 % of the token's life, but within a day.
fn refresh_at(answer: &Document, now: Timestamp) -> Timestamp {
    let expires = parse_time(answer.str_at(&["status", "expirationTimestamp"]));
    let life = expires.map_or(SignedDuration::from_secs(DEFAULT_LIFE), |at| at.duration_since(now));
    now + (life * 4 / 5).min(LONGEST_USE)
}
