//! What the process says about itself: tracing events as text for people or JSON lines for machines.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::TryInitError;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("unsupported log format {text:?}, use text or json")),
        }
    }
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The filter is malformed.
    #[error("malformed log filter: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The process has a subscriber already.
    #[error("logging is set up already")]
    Again(#[from] TryInitError),
}

/// Sends tracing events to standard error. The filter is in `tracing`'s syntax, such as `info,skiff_apiserver=debug`.
///
/// # Errors
/// If the filter is malformed or logging was set up before.
pub fn init(format: Format, filter: &str) -> Result<(), LoggingError> {
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;
    let filter = EnvFilter::builder().parse(filter)?;
    let base = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        Format::Text => {
            use std::io::IsTerminal as _;
            let ansi = std::io::stderr().is_terminal();
            registry.with(base.with_ansi(ansi).with_target(true)).try_init()?;
        }
        Format::Json => registry.with(base.json().flatten_event(true)).try_init()?,
    }
    Ok(())
}
