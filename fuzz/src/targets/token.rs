//! Bearer tokens of service accounts.

use crate::{Broken, Target, Verdict, law, target};
use skiff_apimachinery::Document;
use skiff_pki::TokenKeys;
use std::sync::OnceLock;

/// A key that is used for nothing else; it signed the first two seeds, and nobody signed the third.
const KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgfZal1dW84FZ/bWfg
E30yjLbBcqeqfhsn8apA7tEIvLmhRANCAAS7Vt/2pgodzvNwAVowRn2ERHk6tkcR
oieTnL0VAmwoGJZnlW5iOJKirY2UooiA4whQjoUOz+QO3h616mVFTcKW
-----END PRIVATE KEY-----
";
const SIGNED: usize = 2;

/// See [`Target`].
pub const TARGET: Target = Target {
    name: "token",
    seeds: &[
        b"eyJhbGciOiJFUzI1NiIsImtpZCI6Ik9XWnNEdTlmbWw2ZGczdFc0XzNheVZMNHZzdmFtb0ItYmtlNmZUTUVCOHcifQ.eyJpc3MiOiJodHRwczovL2t1YmVybmV0ZXMuZGVmYXVsdC5zdmMuY2x1c3Rlci5sb2NhbCIsInN1YiI6InN5c3RlbTpzZXJ2aWNlYWNjb3VudDpkZWZhdWx0OndlYiIsImF1ZCI6WyJhcGkiXSwiZXhwIjoxOTAwMDAwMDAwLCJrdWJlcm5ldGVzLmlvIjp7Im5hbWVzcGFjZSI6ImRlZmF1bHQiLCJzZXJ2aWNlYWNjb3VudCI6eyJuYW1lIjoid2ViIiwidWlkIjoiMSJ9fX0.7Z-k4_QaaDNVxYBZBYe1IiLDvsDrDNph4HKWzQDKwVqhzFSIud6xkwcOyZPxTYMdsO90KdWHtPQ1kz4n55QfkA",
        b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJodHRwczovL2t1YmVybmV0ZXMuZGVmYXVsdC5zdmMuY2x1c3Rlci5sb2NhbCIsInN1YiI6InN5c3RlbTpzZXJ2aWNlYWNjb3VudDpkZWZhdWx0OndlYiIsImF1ZCI6WyJhcGkiXSwiZXhwIjoxOTAwMDAwMDAwLCJrdWJlcm5ldGVzLmlvIjp7Im5hbWVzcGFjZSI6ImRlZmF1bHQiLCJzZXJ2aWNlYWNjb3VudCI6eyJuYW1lIjoid2ViIiwidWlkIjoiMSJ9fX0.V5-RFa15yqs8AS-QBlMs5qGnT1WOSZXIlj9OvlRBcxKLIQ5G-hR-1mQ8T1RyWMLKzY7je1TdB-RKHvqfiTAx6g",
        b"eyJhbGciOiJub25lIn0.eyJzdWIiOiJzeXN0ZW06YWRtaW4ifQ.",
    ],
    made: target::none,
    run,
};

fn run(input: &[u8]) -> Verdict {
    static KEYS: OnceLock<Result<TokenKeys, String>> = OnceLock::new();
    let keys = KEYS.get_or_init(keys).as_ref().map_err(|error| Broken(error.clone()))?;
    let taken = keys.verify::<Document>(&String::from_utf8_lossy(input)).is_ok();
    let ours = TARGET.seeds.iter().take(SIGNED).any(|seed| signed_part(seed) == signed_part(input));
    law::holds("only what was signed is taken", ours || !taken)
}

/// All before the signature.
fn signed_part(token: &[u8]) -> Option<&[u8]> {
    let end = token.iter().rposition(|byte| *byte == b'.')?;
    token.get(..end)
}

fn keys() -> Result<TokenKeys, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = folder.path().join("service-account.key");
    std::fs::write(&path, KEY).map_err(|error| error.to_string())?;
    TokenKeys::open(&path).map_err(|error| error.to_string())
}
