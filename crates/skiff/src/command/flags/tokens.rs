//! Service-account tokens: who issues them, and whose are taken.

use crate::component::api_server::Tokens;
use anyhow::{Context, Result, ensure};
use skiff_apimachinery::go_duration::parse_duration;
use skiff_pki::TokenKeys;
use std::path::PathBuf;
use std::time::Duration;

/// Bounds of `--service-account-max-token-expiration`.
const MAX_EXPIRATION: std::ops::RangeInclusive<u64> = 3_600..=1 << 32;

/// Upstream's flags for them.
#[derive(clap::Args, Debug)]
pub(crate) struct TokenFlags {
    /// Issuer of service-account tokens; may be repeated: the first issues, the tokens of all are taken
    #[arg(long, required = true, value_name = "URL")]
    service_account_issuer: Vec<String>,
    /// Where clients outside find the keys of the issuer (default: at this server)
    #[arg(long, value_name = "URL")]
    service_account_jwks_uri: Option<String>,
    /// Keys whose signatures of service-account tokens are taken; may be repeated
    #[arg(long, required = true, value_name = "FILE")]
    service_account_key_file: Vec<PathBuf>,
    /// Key that signs service-account tokens
    #[arg(long, required = true, value_name = "FILE")]
    service_account_signing_key_file: PathBuf,
    /// Longest time that a token may be asked for (default: no limit)
    #[arg(long, value_parser = parse_duration)]
    service_account_max_token_expiration: Option<Duration>,
    /// Let tokens of volumes live longer than asked for, for clients that never read them again
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    service_account_extend_token_expiration: bool,
    /// Audiences that the API server answers to (default: the issuers)
    #[arg(long, value_delimiter = ',')]
    api_audiences: Vec<String>,
}

impl TokenFlags {
    /// The settings.
    pub(crate) fn read(&self) -> Result<Tokens> {
        let issuers = &self.service_account_issuer;
        for (at, issuer) in issuers.iter().enumerate() {
            ensure!(!issuer.is_empty(), "service-account-issuer should not be an empty string");
            ensure!(
                !issuers[..at].contains(issuer),
                "service-account-issuer {issuer:?} is already specified"
            );
            if issuer.contains(':') {
                issuer.parse::<http::Uri>().with_context(|| {
                    format!("service-account-issuer {issuer:?} contained a ':' but was not a valid URL")
                })?;
            }
        }
        if let Some(uri) = &self.service_account_jwks_uri {
            ensure!(
                uri.starts_with("https://"),
                "service-account-jwks-uri requires https scheme, parsed as: {uri}"
            );
        }
        let most = self.service_account_max_token_expiration.map(|most| most.as_secs());
        ensure!(
            most.is_none_or(|most| most == 0 || MAX_EXPIRATION.contains(&most)),
            "the service-account-max-token-expiration must be between 1 hour and 2^32 seconds"
        );
        let audiences = if self.api_audiences.is_empty() { issuers } else { &self.api_audiences };
        Ok(Tokens {
            issuers: issuers.clone(),
            keys_uri: self.service_account_jwks_uri.clone(),
            audiences: audiences.clone(),
            max_expiration: most.filter(|most| *most > 0).and_then(|most| i64::try_from(most).ok()),
            extend_expiration: self.service_account_extend_token_expiration,
        })
    }

    /// The keys.
    pub(crate) fn keys(&self) -> Result<TokenKeys> {
        Ok(TokenKeys::from_files(&self.service_account_signing_key_file, &self.service_account_key_file)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        tokens: TokenFlags,
    }

    fn read(arguments: &str) -> Result<Tokens, String> {
        let always = "test --service-account-key-file a --service-account-signing-key-file a";
        let command = Command::try_parse_from(always.split(' ').chain(arguments.split(' ')));
        command.map_err(|error| error.to_string())?.tokens.read().map_err(|error| error.to_string())
    }

    #[test]
    fn the_first_issuer_issues_and_all_are_audiences() {
        let tokens = read("--service-account-issuer https://a --service-account-issuer https://b").unwrap();
        assert_eq!(tokens.issuers, ["https://a", "https://b"]);
        assert_eq!(tokens.audiences, tokens.issuers);
        let tokens = read("--service-account-issuer https://a --api-audiences x,y").unwrap();
        assert_eq!(tokens.audiences, ["x", "y"]);
        assert!(tokens.extend_expiration);
    }

    #[test]
    fn what_cannot_be_is_refused_in_upstreams_words() {
        let cases = [
            (
                "--service-account-issuer a --service-account-issuer a",
                r#"service-account-issuer "a" is already specified"#,
            ),
            (
                "--service-account-issuer a --service-account-jwks-uri http://b",
                "service-account-jwks-uri requires https scheme, parsed as: http://b",
            ),
            (
                "--service-account-issuer a --service-account-max-token-expiration 30m",
                "the service-account-max-token-expiration must be between 1 hour and 2^32 seconds",
            ),
        ];
        for (arguments, expected) in cases {
            assert_eq!(read(arguments).err().unwrap_or_default(), expected, "{arguments}");
        }
    }
}
