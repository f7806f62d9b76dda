//! Image names as Docker writes them: `[DOMAIN/]PATH[:TAG][@DIGEST]`, completed to a full reference.

use super::ImageError;
use super::digest::Digest;

const DEFAULT_DOMAIN: &str = "docker.io";
const DEFAULT_TAG: &str = "latest";
/// No reference is longer, whatever it is made of.
const LONGEST: usize = 512;

/// A full reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The registry, with port if it has one.
    pub domain: String,
    /// The repository in it.
    pub path: String,
    /// The tag; none if only a digest was given.
    pub tag: Option<String>,
    /// The digest.
    pub digest: Option<Digest>,
}

impl Reference {
    /// Parses and completes: `busybox` is `docker.io/library/busybox:latest`.
    pub fn parse(text: &str) -> Result<Self, ImageError> {
        parse(text).ok_or_else(|| ImageError::Reference(text.to_owned()))
    }

    /// `DOMAIN/PATH`.
    pub fn repository(&self) -> String {
        format!("{}/{}", self.domain, self.path)
    }

    /// The name to keep an image under: with its digest if it has one, else with its tag.
    pub fn name(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => self.with_digest(digest),
            (None, tag) => format!("{}:{}", self.repository(), tag.as_deref().unwrap_or(DEFAULT_TAG)),
        }
    }

    /// `DOMAIN/PATH@DIGEST`.
    pub fn with_digest(&self, digest: &Digest) -> String {
        format!("{}@{digest}", self.repository())
    }

    /// What a registry is asked for: the digest, or the tag.
    pub fn selector(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, tag) => tag.as_deref().unwrap_or(DEFAULT_TAG).to_owned(),
        }
    }
}

fn parse(text: &str) -> Option<Reference> {
    if text.len() > LONGEST {
        return None;
    }
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(Digest::try_from(digest.to_owned()).ok()?)),
        None => (text, None),
    };
    // A colon after the last slash parts the tag; before it, a port.
    let (name, tag) = match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (rest, None),
    };
    if !tag.is_none_or(is_tag) {
        return None;
    }
    let (domain, path) = match name.split_once('/') {
        Some((first, path)) if is_domain(first) => (first, path.to_owned()),
        _ => (DEFAULT_DOMAIN, name.to_owned()),
    };
    let domain = if domain == "index.docker.io" { DEFAULT_DOMAIN } else { domain };
    let path = if domain == DEFAULT_DOMAIN && !path.contains('/') { format!("library/{path}") } else { path };
    if !path.split('/').all(is_path_component) {
        return None;
    }
    let tag = match (&digest, tag) {
        (None, None) => Some(DEFAULT_TAG.to_owned()),
        (_, tag) => tag.map(str::to_owned),
    };
    Some(Reference { domain: domain.to_owned(), path, tag, digest })
}

/// Docker's rule: what has a dot or a port, or is `localhost`, or has upper-case letters, is no part of a path.
fn is_domain(text: &str) -> bool {
    let looks_like =
        text.contains(['.', ':']) || text == "localhost" || text.bytes().any(|b| b.is_ascii_uppercase());
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    looks_like && text.bytes().all(allowed) && !text.starts_with(['.', '-', ':'])
}

fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let first = text.bytes().next().is_some_and(word);
    first && text.len() <= 128 && text.bytes().all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

fn is_path_component(text: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let edges = [text.bytes().next(), text.bytes().last()];
    let separators_apart = !text.contains("..") && !text.contains("___");
    edges.into_iter().all(|edge| edge.is_some_and(alphanumeric))
        && separators_apart
        && text.bytes().all(|byte| alphanumeric(byte) || matches!(byte, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> String {
        Reference::parse(text).map_or_else(|error| error.to_string(), |reference| reference.name())
    }

    #[test]
    fn short_names_are_completed_like_docker_does() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (given, full) in [
            ("busybox", "docker.io/library/busybox:latest".to_owned()),
            ("busybox:1.36", "docker.io/library/busybox:1.36".to_owned()),
            ("user/app", "docker.io/user/app:latest".to_owned()),
            ("index.docker.io/busybox", "docker.io/library/busybox:latest".to_owned()),
            ("example.test/busybox:1", "example.test/busybox:1".to_owned()),
            ("localhost/app", "localhost/app:latest".to_owned()),
            ("registry:5000/a/b", "registry:5000/a/b:latest".to_owned()),
            (&format!("busybox:1@{digest}"), format!("docker.io/library/busybox@{digest}")),
        ] {
            assert_eq!(name(given), full);
        }
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for given in ["", "Busybox", "a//b", "a:b c", "a@sha256:12", "../etc", "a/../b", "-a", "a:"] {
            assert!(Reference::parse(given).is_err(), "{given:?} was taken");
        }
    }
}
