//! How an API server treats requests and those who send them.

use crate::component::api_server::Requests;
use anyhow::{Result, ensure};
use http::HeaderValue;
use skiff_apimachinery::go_duration::parse_duration;
use skiff_apiserver::Cors;
use std::time::Duration;

/// Upstream's flags for it.
#[derive(clap::Args, Debug)]
pub(crate) struct RequestFlags {
    /// How long a request may take that is no watch or stream
    #[arg(long, default_value = "1m0s", value_parser = parse_duration)]
    request_timeout: Duration,
    /// Shortest time, in seconds, that a watch is kept open whose client does not say how long
    #[arg(long, default_value_t = 1800, value_name = "SECONDS")]
    min_request_timeout: u64,
    /// Most reading requests at once; 0 for no limit
    #[arg(long, default_value_t = 400)]
    max_requests_inflight: usize,
    /// Most changing requests at once; 0 for no limit
    #[arg(long, default_value_t = 200)]
    max_mutating_requests_inflight: usize,
    /// How long to go on serving after the signal to stop, while readiness fails already
    #[arg(long, default_value = "0s", value_parser = parse_duration)]
    shutdown_delay_duration: Duration,
    /// How long after the start liveness does not mind a boot sequence that is not through
    #[arg(long, default_value = "0s", value_parser = parse_duration)]
    livez_grace_period: Duration,
    /// How likely an HTTP/2 request makes its client connect anew, to spread clients over servers
    #[arg(long, default_value_t = 0.0)]
    goaway_chance: f64,
    /// Origins whose pages may read answers, as regular expressions
    #[arg(long, value_delimiter = ',', value_name = "REGEXP")]
    cors_allowed_origins: Vec<String>,
    /// Directives of the Strict-Transport-Security header
    #[arg(long, value_delimiter = ',', value_name = "DIRECTIVE")]
    strict_transport_security_directives: Vec<String>,
}

impl RequestFlags {
    /// The settings.
    pub(crate) fn read(&self) -> Result<Requests> {
        ensure!(
            (0.0..=0.02).contains(&self.goaway_chance),
            "--goaway-chance can not be less than 0 or greater than 0.02"
        );
        Ok(Requests {
            timeout: self.request_timeout,
            min_timeout: Duration::from_secs(self.min_request_timeout),
            max_in_flight: (self.max_requests_inflight, self.max_mutating_requests_inflight),
            shutdown_delay: self.shutdown_delay_duration,
            livez_grace: self.livez_grace_period,
            goaway_chance: self.goaway_chance,
            cors: Cors::new(&self.cors_allowed_origins)?,
            hsts: self.hsts()?,
        })
    }

    fn hsts(&self) -> Result<Option<HeaderValue>> {
        let directives = &self.strict_transport_security_directives;
        for directive in directives {
            let is_age = directive
                .strip_prefix("max-age=")
                .is_some_and(|age| !age.is_empty() && age.bytes().all(|byte| byte.is_ascii_digit()));
            ensure!(
                is_age || matches!(directive.as_str(), "includeSubDomains" | "preload"),
                "--strict-transport-security-directives invalid, allowed values: max-age=expireTime, includeSubDomains, preload. see https://tools.ietf.org/html/rfc6797#section-6.1 for more information"
            );
        }
        if directives.is_empty() {
            return Ok(None);
        }
        Ok(Some(HeaderValue::from_str(&directives.join("; "))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        requests: RequestFlags,
    }

    fn read(arguments: &[&str]) -> Result<Requests, String> {
        let arguments = std::iter::once("test").chain(arguments.iter().copied());
        let command = Command::try_parse_from(arguments).map_err(|error| error.to_string())?;
        command.requests.read().map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_are_upstreams() {
        let requests = read(&[]).unwrap();
        assert_eq!((requests.timeout, requests.min_timeout.as_secs()), (Duration::from_secs(60), 1800));
        assert_eq!(requests.max_in_flight, (400, 200));
        assert!(requests.cors.is_none() && requests.hsts.is_none());
    }

    #[test]
    fn what_cannot_be_is_refused_in_upstreams_words() {
        let refusal = |arguments: &[&str]| read(arguments).err().unwrap_or_default();
        assert_eq!(
            refusal(&["--goaway-chance", "0.5"]),
            "--goaway-chance can not be less than 0 or greater than 0.02"
        );
        assert!(
            refusal(&["--strict-transport-security-directives", "max-age=x"])
                .starts_with("--strict-transport-security-directives invalid, allowed values:")
        );
        assert!(refusal(&["--cors-allowed-origins", "example.com"]).contains("does not pin to start/end"));
        let hsts =
            read(&["--strict-transport-security-directives", "max-age=31536000,preload"]).unwrap().hsts;
        assert_eq!(hsts.unwrap(), "max-age=31536000; preload");
    }
}
