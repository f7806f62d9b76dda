//! Who sends a request over a socket.

use super::Core;
use super::metrics::Authentication;
use crate::authentication::{Credentials, UserInfo};
use futures::future::BoxFuture;
use skiff_apimachinery::Status;
use std::time::Instant;

/// The user; nobody in particular without credentials.
///
/// # Errors
/// 401 if the credentials are not valid.
pub fn authenticate<'a>(
    core: &'a Core,
    credentials: Credentials<'a>,
) -> BoxFuture<'a, Result<UserInfo, Status>> {
    let begun = Instant::now();
    let authenticating = core.authenticator.authenticate(credentials);
    Box::pin(async move {
        match authenticating.await {
            Ok(user) => {
                let user = user.unwrap_or_else(UserInfo::anonymous);
                core.metrics.authenticated(Authentication::Success, &user.name, begun.elapsed());
                Ok(user)
            }
            Err(error) => {
                tracing::debug!(%error, "unable to authenticate the request");
                core.metrics.authenticated(Authentication::Error, "", begun.elapsed());
                Err(Status::unauthorized())
            }
        }
    })
}
