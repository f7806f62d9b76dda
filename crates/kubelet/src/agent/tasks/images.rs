//! Makes sure that a container's image is on the machine, by its pull policy.

use super::super::PodContext;
use super::start::image_spec;
use crate::names::reason;
use crate::objects::Reference;
use crate::pod::security::ImageUser;
use crate::pod::{ContainerView, PodView};
use crate::worker::Failure;
use base64::Engine as _;
use skiff_apimachinery::Document;
use skiff_client::events::EventType;
use skiff_cri::v1::{AuthConfig, Image, PullImageRequest};
use std::time::{Duration, Instant};

/// An image that is on the machine.
#[derive(Debug, Clone)]
pub struct Ensured {
    /// What to create the container from.
    pub reference: String,
    /// The user that it names.
    pub user: ImageUser,
}

/// Makes sure that the image is there.
///
/// # Errors
/// The reason and message of the container's waiting state; told as events before.
pub async fn ensure(
    context: &PodContext,
    pod: &PodView,
    container: ContainerView<'_>,
    may_pull: bool,
) -> Result<Ensured, Failure> {
    let agent = &context.agent;
    let name = &container.spec.name;
    let image = container.spec.image.as_deref().unwrap_or("");
    let tell = |kind, reason: &str, text: String| agent.tell(pod, name, kind, reason, text);
    // The way upstream tells a failed start: what went wrong, then the reason.
    let fail = |reason: &'static str, message: String| {
        tell(EventType::Warning, self::reason::FAILED, format!("Error: {reason}"));
        Failure::new(reason, message)
    };
    if let Err(why) = check_name(image) {
        let message = format!(
            "Failed to apply default image tag {image:?}: couldn't parse image name {image:?}: {why}"
        );
        tell(EventType::Warning, reason::INSPECT_FAILED, message.clone());
        return Err(fail(reason::INVALID_IMAGE_NAME, message));
    }
    let present = agent.runtime.image_status(image_spec(image)).await.map_err(|error| {
        let message = format!("Failed to inspect image {image:?}: {error}");
        tell(EventType::Warning, reason::INSPECT_FAILED, message.clone());
        fail(reason::IMAGE_INSPECT_ERROR, message)
    })?;
    let policy = container.spec.image_pull_policy.as_deref().unwrap_or("IfNotPresent");
    match (policy, present) {
        ("IfNotPresent" | "Never", Some(found)) => {
            let text = format!("Container image {image:?} already present on machine");
            tell(EventType::Normal, reason::PULLED, text);
            Ok(ensured(found))
        }
        ("Never", None) => {
            let message = format!("Container image {image:?} is not present with pull policy of Never");
            tell(EventType::Warning, reason::ERR_IMAGE_NEVER_PULL, message.clone());
            Err(fail(reason::ERR_IMAGE_NEVER_PULL, message))
        }
        _ if !may_pull => {
            let message = format!("Back-off pulling image {image:?}");
            tell(EventType::Normal, reason::BACK_OFF, message.clone());
            Err(fail(reason::IMAGE_PULL_BACK_OFF, message))
        }
        _ => {
            tell(EventType::Normal, reason::PULLING, format!("Pulling image {image:?}"));
            let began = Instant::now();
            match pull(context, pod, image).await {
                Ok(pulled) => {
                    let took = go_seconds(began.elapsed());
                    let size = pulled.size;
                    let text = format!(
                        "Successfully pulled image {image:?} in {took} ({took} including waiting). Image size: {size} bytes."
                    );
                    tell(EventType::Normal, reason::PULLED, text);
                    Ok(ensured(pulled))
                }
                Err(message) => {
                    tell(
                        EventType::Warning,
                        reason::FAILED,
                        format!("Failed to pull image {image:?}: {message}"),
                    );
                    Err(fail(reason::ERR_IMAGE_PULL, message))
                }
            }
        }
    }
}

fn ensured(image: Image) -> Ensured {
    let uid = image.uid.map(|uid| uid.value);
    // An image that names no user runs as root.
    let uid = uid.or(if image.username.is_empty() { Some(0) } else { None });
    Ensured { reference: image.id, user: ImageUser { uid, name: image.username } }
}

/// Seconds with milliseconds, as Go writes a rounded duration.
fn go_seconds(took: Duration) -> String {
    if took < Duration::from_secs(1) {
        format!("{}ms", took.as_millis())
    } else {
        format!("{}s", took.as_millis() as f64 / 1000.0)
    }
}

/// Pulls with each of the pod's credentials that fit the registry; without any, anonymously.
async fn pull(context: &PodContext, pod: &PodView, image: &str) -> Result<Image, String> {
    let runtime = &context.agent.runtime;
    let mut credentials: Vec<Option<AuthConfig>> =
        credentials(context, pod, registry(image)).await.into_iter().map(Some).collect();
    if credentials.is_empty() {
        credentials.push(None);
    }
    let mut last = String::new();
    for auth in credentials {
        let request = PullImageRequest {
            image: Some(image_spec(image)),
            auth,
            sandbox_config: Some(super::sandbox::config(&context.agent, pod, 0)),
        };
        match runtime.pull_image(request).await {
            Ok(reference) => {
                let found =
                    runtime.image_status(image_spec(&reference)).await.map_err(|error| error.message)?;
                return found.ok_or_else(|| format!("image {reference:?} is gone after it was pulled"));
            }
            Err(error) => last = error.message,
        }
    }
    Err(last)
}

/// Logins for a registry from the pod's pull secrets.
async fn credentials(context: &PodContext, pod: &PodView, registry: &str) -> Vec<AuthConfig> {
    let mut out = Vec::new();
    for secret in pod.spec().image_pull_secrets.iter().flatten() {
        let Ok(Some(object)) = context.objects.get(&Reference::secret(&secret.name)).await else { continue };
        out.extend(logins(&object).into_iter().filter(|(host, _)| host == registry).map(|(_, auth)| auth));
    }
    out
}

/// Registries and logins of a docker configuration.
fn logins(secret: &Document) -> Vec<(String, AuthConfig)> {
    let decode = |text: &str| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
        skiff_apimachinery::json::decode(&bytes).ok()
    };
    let new = decode(secret.str_at(&["data", ".dockerconfigjson"])).and_then(|doc| doc.get("auths").cloned());
    let Some(auths) = new.or_else(|| decode(secret.str_at(&["data", ".dockercfg"]))) else {
        return Vec::new();
    };
    let entries = auths.as_object().into_iter().flat_map(|map| map.iter());
    entries
        .map(|(server, login)| {
            let text = |key: &str| login.str_at(&[key]).to_owned();
            let host = server.trim_start_matches("https://").trim_start_matches("http://");
            let host = host.split('/').next().unwrap_or("").to_owned();
            let host = if host == "index.docker.io" { "docker.io".to_owned() } else { host };
            let auth = AuthConfig {
                username: text("username"),
                password: text("password"),
                auth: text("auth"),
                server_address: server.to_owned(),
                identity_token: text("identitytoken"),
                registry_token: text("registrytoken"),
            };
            (host, auth)
        })
        .collect()
}

/// The registry of an image name.
fn registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "docker.io",
    }
}

/// Refuses what is no image reference.
fn check_name(image: &str) -> Result<(), &'static str> {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let slash = name.rfind('/').map_or(0, |at| at + 1);
    let (path, tag) = match name[slash..].rfind(':') {
        Some(at) => (&name[..slash + at], Some(&name[slash + at + 1..])),
        None => (name, None),
    };
    let host = registry(image);
    let repository = path.strip_prefix(host).and_then(|rest| rest.strip_prefix('/')).unwrap_or(path);
    let part_ok = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
            && part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.ends_with(|c: char| c.is_ascii_alphanumeric())
    };
    if repository.bytes().any(|b| b.is_ascii_uppercase()) && repository.split('/').all(part_ok) {
        return Err("invalid reference format: repository name must be lowercase");
    }
    let tag_ok = |tag: &str| {
        !tag.is_empty()
            && tag.len() <= 128
            && tag.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
            && !tag.starts_with(['.', '-'])
    };
    let digest_ok = |digest: &str| digest.split_once(':').is_some_and(|(_, hex)| hex.len() >= 32);
    if repository.split('/').all(part_ok) && tag.is_none_or(tag_ok) && digest.is_none_or(digest_ok) {
        Ok(())
    } else {
        Err("invalid reference format")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for name in [
            "busybox",
            "example.test/busybox:1",
            "localhost:5000/a/b",
            "a@sha256:0123456789012345678901234567890123",
        ] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        assert_eq!(check_name("Busybox"), Err("invalid reference format: repository name must be lowercase"));
        for name in ["", "a b", "a:", "-x", "a//b", "x@y"] {
            assert_eq!(check_name(name), Err("invalid reference format"), "{name}");
        }
    }

    #[test]
    fn registries_are_found() {
        assert_eq!(
            ["busybox", "a/b", "r.test/x", "localhost:5000/x"].map(registry),
            ["docker.io", "docker.io", "r.test", "localhost:5000"]
        );
    }
}
