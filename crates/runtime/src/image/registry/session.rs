//! A conversation with one registry about one repository: authorisation and redirects.

use super::challenge::{self, Challenge};
use super::http::{Ask, Attempt, Client, collect};
use super::{Credentials, RegistryOptions};
use crate::image::ImageError;
use crate::image::reference::Reference;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION, WWW_AUTHENTICATE};
use hyper::{Method, Response, StatusCode, Uri};
use serde::Deserialize;
use std::net::IpAddr;
use std::sync::Mutex;

const MAX_REDIRECTS: usize = 5;
/// Documents of registries are not bigger: the distribution protocol asks for 4 MiB.
const MAX_DOCUMENT: usize = 4 << 20;

/// The conversation.
pub struct Session {
    client: Client,
    reference: Reference,
    credentials: Credentials,
    base: String,
    authorization: Mutex<Option<HeaderValue>>,
}

/// A token service's answer; services differ in the name.
#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
}

impl Session {
    /// With the registry of an image.
    pub fn new(
        reference: &Reference,
        credentials: Credentials,
        options: &RegistryOptions,
    ) -> Result<Self, ImageError> {
        let client = Client::new(options.ca_file.as_deref()).map_err(|reason| failure(reference, reason))?;
        let host = match reference.domain.as_str() {
            "docker.io" => "registry-1.docker.io",
            domain => domain,
        };
        let plain = is_loopback(host) || options.insecure.iter().any(|insecure| insecure == host);
        let scheme = if plain { "http" } else { "https" };
        let base = format!("{scheme}://{host}/v2/{}", reference.path);
        let authorization = match credentials.registry_token.as_str() {
            "" => None,
            token => header(format!("Bearer {token}")),
        };
        Ok(Self {
            client,
            reference: reference.clone(),
            credentials,
            base,
            authorization: Mutex::new(authorization),
        })
    }

    /// Gets `path` of the repository; follows redirects and authorises itself once.
    pub async fn get(&self, path: &str, accept: &[&str]) -> Result<Response<Incoming>, ImageError> {
        let first = self.follow(path, accept).await.map_err(|reason| failure(&self.reference, reason))?;
        let response = if first.status() == StatusCode::UNAUTHORIZED {
            self.authorize(&first).await?;
            self.follow(path, accept).await.map_err(|reason| failure(&self.reference, reason))?
        } else {
            first
        };
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = collect(response.into_body(), 64 * 1024).await.unwrap_or_default();
        let reason = format!("{status}: {}", String::from_utf8_lossy(&body[..body.len().min(300)]).trim());
        Err(match status {
            StatusCode::NOT_FOUND => ImageError::NotInRegistry(self.reference.name()),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => self.unauthorized(reason),
            _ => failure(&self.reference, reason),
        })
    }

    /// Gets a document.
    pub async fn document(&self, path: &str, accept: &[&str]) -> Result<Bytes, ImageError> {
        let response = self.get(path, accept).await?;
        collect(response.into_body(), MAX_DOCUMENT).await.map_err(|reason| failure(&self.reference, reason))
    }

    async fn follow(&self, path: &str, accept: &[&str]) -> Attempt<Response<Incoming>> {
        let mut uri: Uri = format!("{}/{path}", self.base).parse().map_err(|_| "bad address".to_owned())?;
        let home = uri.authority().cloned();
        for _ in 0..MAX_REDIRECTS {
            let mut headers: Vec<_> =
                accept.iter().map(|kind| (ACCEPT, HeaderValue::from_str(kind))).collect();
            // Other hosts, such as where blobs are stored, must not see the registry's token.
            if uri.authority() == home.as_ref()
                && let Some(authorization) = self.authorization()
            {
                headers.push((AUTHORIZATION, Ok(authorization)));
            }
            let headers = headers.into_iter().filter_map(|(name, value)| Some((name, value.ok()?))).collect();
            let ask = Ask { method: Method::GET, uri: uri.clone(), headers, body: Bytes::new() };
            let response = self.client.send(&ask).await?;
            if !response.status().is_redirection() {
                return Ok(response);
            }
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            uri = redirect(&uri, location.ok_or("redirect without location")?)?;
        }
        Err("too many redirects".to_owned())
    }

    async fn authorize(&self, response: &Response<Incoming>) -> Result<(), ImageError> {
        let challenges = response.headers().get_all(WWW_AUTHENTICATE).iter();
        let challenge = challenges.filter_map(|value| challenge::parse(value.to_str().ok()?)).next();
        let authorization = match challenge {
            Some(Challenge::Basic) if !self.credentials.username.is_empty() => self.basic(),
            Some(Challenge::Bearer { realm, service, scope }) => {
                let scope = scope.unwrap_or_else(|| format!("repository:{}:pull", self.reference.path));
                let token = self.fetch_token(&realm, service.as_deref(), &scope).await?;
                header(format!("Bearer {token}"))
            }
            _ => return Err(self.unauthorized("no basic auth credentials".to_owned())),
        };
        *self.authorization.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = authorization;
        Ok(())
    }

    async fn fetch_token(
        &self,
        realm: &str,
        service: Option<&str>,
        scope: &str,
    ) -> Result<String, ImageError> {
        let mut parameters = vec![("scope", scope)];
        parameters.extend(service.map(|service| ("service", service)));
        let oauth = !self.credentials.identity_token.is_empty();
        if oauth {
            parameters.push(("grant_type", "refresh_token"));
            parameters.push(("client_id", "skiff"));
            parameters.push(("refresh_token", &self.credentials.identity_token));
        }
        let form: Vec<String> =
            parameters.iter().map(|(name, value)| format!("{name}={}", percent_encode(value))).collect();
        let form = form.join("&");
        let mut ask = if oauth {
            let kind = (CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
            Ask { method: Method::POST, uri: Uri::default(), headers: vec![kind], body: form.clone().into() }
        } else {
            Ask { method: Method::GET, uri: Uri::default(), headers: Vec::new(), body: Bytes::new() }
        };
        let separator = if realm.contains('?') { '&' } else { '?' };
        let address = if oauth { realm.to_owned() } else { format!("{realm}{separator}{form}") };
        ask.uri = address.parse().map_err(|_| self.unauthorized(format!("bad token service {realm}")))?;
        if !oauth && !self.credentials.username.is_empty() {
            ask.headers.extend(self.basic().map(|value| (AUTHORIZATION, value)));
        }
        let response = self.client.send(&ask).await.map_err(|reason| failure(&self.reference, reason))?;
        let status = response.status();
        let body = collect(response.into_body(), MAX_DOCUMENT)
            .await
            .map_err(|reason| failure(&self.reference, reason))?;
        if !status.is_success() {
            return Err(self.unauthorized(format!("failed to fetch oauth token: {status}")));
        }
        let token: Token = serde_json::from_slice(&body)
            .map_err(|error| self.unauthorized(format!("malformed token: {error}")))?;
        Ok(if token.token.is_empty() { token.access_token } else { token.token })
    }

    fn authorization(&self) -> Option<HeaderValue> {
        self.authorization.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn basic(&self) -> Option<HeaderValue> {
        let pair = format!("{}:{}", self.credentials.username, self.credentials.password);
        header(format!("Basic {}", BASE64_STANDARD.encode(pair)))
    }

    fn unauthorized(&self, reason: String) -> ImageError {
        ImageError::Unauthorized { reference: self.reference.name(), reason }
    }
}

/// A failure on the way.
pub fn failure(reference: &Reference, reason: impl std::fmt::Display) -> ImageError {
    ImageError::Registry { reference: reference.name(), reason: reason.to_string() }
}

fn header(text: String) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn redirect(from: &Uri, location: &str) -> Attempt<Uri> {
    let absolute = if location.starts_with('/') {
        let scheme = from.scheme_str().unwrap_or("https");
        let authority = from.authority().map_or("", |authority| authority.as_str());
        format!("{scheme}://{authority}{location}")
    } else {
        location.to_owned()
    };
    let to: Uri = absolute.parse().map_err(|_| format!("bad redirect to {location:?}"))?;
    if from.scheme_str() == Some("https") && to.scheme_str() != Some("https") {
        return Err("redirect from TLS to plain text".to_owned());
    }
    Ok(to)
}

fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn percent_encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_registries_are_recognised() {
        for (host, expected) in
            [("localhost:5000", true), ("127.0.0.1:1", true), ("[::1]:5000", true), ("example.test", false)]
        {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }

    #[test]
    fn tls_is_never_left_by_a_redirect() {
        let from: Uri = "https://a.test/v2/".parse().unwrap();
        assert!(redirect(&from, "http://b.test/").is_err());
        assert_eq!(redirect(&from, "/x").unwrap().to_string(), "https://a.test/x");
    }
}
