//! Who sends a request over a socket.

use super::Core;
use crate::authentication::{Credentials, UserInfo};
use futures::future::BoxFuture;
use skiff_apimachinery::Status;

/// The user; nobody in particular without credentials.
///
/// # Errors
/// 401 if the credentials are not valid.
pub fn authenticate<'a>(
    core: &'a Core,
    credentials: Credentials<'a>,
) -> BoxFuture<'a, Result<UserInfo, Status>> {
    let authenticating = core.authenticator.authenticate(credentials);
    Box::pin(async move {
        match authenticating.await {
            Ok(Some(user)) => Ok(user),
            Ok(None) => Ok(UserInfo::anonymous()),
            Err(error) => {
                tracing::debug!(%error, "unable to authenticate the request");
                core.metrics.authentication_failed();
                Err(Status::unauthorized())
            }
        }
    })
}
