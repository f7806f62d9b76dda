//! The `Authorization` header: a token, a token from a file that may be rotated, or a password.

use crate::kubeconfig::Access;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use http::HeaderValue;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::warn;

/// How long a token from a file is used before the file is read again.
const FRESH: Duration = Duration::from_secs(60);
/// Largest token file.
const MAX_TOKEN: usize = 64 << 10;

/// Gives the bearer token for a request that is sent now.
pub trait TokenSource: Send + Sync + 'static {
    /// The token; without one the request goes out with the client's certificate alone, if it has one.
    fn token(&self) -> BoxFuture<'_, Option<String>>;
}

/// How a client authenticates, besides its certificate.
pub(super) enum Credentials {
    /// By its certificate alone.
    None,
    /// By a header that does not change.
    Fixed(HeaderValue),
    /// By a token in a file.
    File { path: PathBuf, read: Mutex<Option<(Instant, HeaderValue)>> },
    /// By a token that is asked for each time.
    Source(Arc<dyn TokenSource>),
}

impl Credentials {
    pub(super) fn of(access: &Access) -> Self {
        // A token file wins over a token: it is the one that is kept fresh.
        if let Some(path) = &access.token_file {
            return Self::File { path: path.clone(), read: Mutex::new(None) };
        }
        let text = match (&access.token, &access.basic) {
            (Some(token), _) => format!("Bearer {token}"),
            (None, Some((name, password))) => {
                format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
            }
            (None, None) => return Self::None,
        };
        sensitive(&text).map_or(Self::None, Self::Fixed)
    }

    /// The header for a request that is sent now.
    pub(super) async fn header(&self) -> Option<HeaderValue> {
        match self {
            Self::None => None,
            Self::Fixed(value) => Some(value.clone()),
            Self::Source(source) => sensitive(&format!("Bearer {}", source.token().await?)),
            Self::File { path, read } => {
                let mut read = read.lock().await;
                if let Some((at, value)) = &*read
                    && at.elapsed() < FRESH
                {
                    return Some(value.clone());
                }
                match tokio::fs::read_to_string(path).await {
                    Ok(text) if text.len() <= MAX_TOKEN => {
                        *read = sensitive(&format!("Bearer {}", text.trim()))
                            .map(|value| (Instant::now(), value));
                    }
                    Ok(_) => warn!(path = %path.display(), "token file is too large"),
                    // The last token may still be good.
                    Err(error) => warn!(path = %path.display(), %error, "cannot read the token"),
                }
                read.as_ref().map(|(_, value)| value.clone())
            }
        }
    }
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
