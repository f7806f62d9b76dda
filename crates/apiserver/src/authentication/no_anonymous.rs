//! `--anonymous-auth=false`: the last in the chain, it turns away who showed no credentials.

use super::{Authenticator, Credentials, InvalidCredentials, UserInfo};
use futures::future::BoxFuture;

/// Refuses whoever no authenticator before it knew.
pub struct NoAnonymous;

impl Authenticator for NoAnonymous {
    fn authenticate<'a>(
        &'a self,
        _: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Option<UserInfo>, InvalidCredentials>> {
        let refusal = InvalidCredentials("anonymous requests are not allowed".to_owned());
        Box::pin(std::future::ready(Err(refusal)))
    }
}
