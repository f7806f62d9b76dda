//! Lists of `NAME=true` and `NAME=false`.

use anyhow::{Result, bail};

/// Reads the switches of a flag.
pub(crate) fn parse(flag: &str, given: &[String]) -> Result<Vec<(String, bool)>> {
    given
        .iter()
        .map(|text| match text.split_once('=') {
            None => Ok((text.clone(), true)),
            Some((name, "true")) => Ok((name.to_owned(), true)),
            Some((name, "false")) => Ok((name.to_owned(), false)),
            Some(_) => bail!("{flag} {text}: must be NAME=true or NAME=false"),
        })
        .collect()
}
