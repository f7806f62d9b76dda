//! `AlwaysDeny`: refuses every write. Upstream keeps it for tests.

use super::{Plugin, Request};
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, Status};

/// The plugin.
pub struct AlwaysDeny;

fn deny(request: &Request<'_>) -> Result<(), Status> {
    Err(request.forbidden("admission control is denying all modifications"))
}

impl Plugin for AlwaysDeny {
    fn name(&self) -> &'static str {
        "AlwaysDeny"
    }

    fn admit<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        _: &'a mut Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(deny(request)))
    }

    fn validate<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        _: &'a Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(deny(request)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::testing::Write;

    #[test]
    fn nothing_passes() {
        let refusal = Write::create("", "pods").admit(&AlwaysDeny, Document::object()).unwrap_err();
        assert_eq!(
            refusal.message,
            r#"pods "x" is forbidden: admission control is denying all modifications"#
        );
    }
}
