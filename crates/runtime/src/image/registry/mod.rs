//! Pulls images from registries that speak the OCI distribution protocol.
//!
//! `http` is the connection, `session` the registry's way of authorising and answering, `pull` the order of things.

mod challenge;
mod http;
mod pull;
mod session;

use skiff_cri::v1::AuthConfig;

/// How registries are spoken to.
#[derive(Debug, Clone, Default)]
pub struct RegistryOptions {
    /// Registries (`host[:port]`) that are spoken to without TLS. Those on the loopback interface always are.
    pub insecure: Vec<String>,
    /// Another file with trusted certificates, beside the system's.
    pub ca_file: Option<std::path::PathBuf>,
}

/// Who asks a registry.
#[derive(Clone, Default)]
pub struct Credentials {
    /// User name; empty for nobody.
    pub username: String,
    /// Password.
    pub password: String,
    /// An OAuth 2 refresh token.
    pub identity_token: String,
    /// A bearer token for the registry itself.
    pub registry_token: String,
}

impl From<AuthConfig> for Credentials {
    fn from(config: AuthConfig) -> Self {
        use base64::Engine;
        let decoded = base64::prelude::BASE64_STANDARD.decode(config.auth.trim()).unwrap_or_default();
        let both = String::from_utf8(decoded).unwrap_or_default();
        let (username, password) = both.split_once(':').unwrap_or_default();
        let given =
            |value: String, otherwise: &str| if value.is_empty() { otherwise.to_owned() } else { value };
        Self {
            username: given(config.username, username),
            password: given(config.password, password.trim_end_matches('\0')),
            identity_token: config.identity_token,
            registry_token: config.registry_token,
        }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}
