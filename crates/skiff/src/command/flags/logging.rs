//! How a command logs.

use anyhow::Result;
use skiff_telemetry::logging::Format;

/// Flags of the log.
#[derive(clap::Args, Debug)]
pub(crate) struct LoggingFlags {
    /// Log filter, such as `info` or `skiff_kubelet=debug,info`
    #[arg(long, default_value = "info", env = "SKIFF_LOG")]
    log_level: String,
    /// Log format: text or json
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    logging_format: String,
    /// Verbosity as upstream counts it: from 4 on debug, from 6 on everything
    #[arg(short = 'v', long = "v", value_name = "LEVEL")]
    verbosity: Option<u8>,
}

impl LoggingFlags {
    /// Begins to log.
    pub(crate) fn init(&self) -> Result<()> {
        let format = match self.logging_format.as_str() {
            "json" => Format::Json,
            _ => Format::Text,
        };
        let filter = match self.verbosity {
            None => self.log_level.as_str(),
            Some(0..=3) => "info",
            Some(4..=5) => "debug",
            Some(_) => "trace",
        };
        Ok(skiff_telemetry::logging::init(format, filter)?)
    }
}
