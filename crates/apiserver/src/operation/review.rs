//! Reviews: resources that store nothing and answer at once.

use super::{Answer, Call, Outcome};
use crate::authentication::UserInfo;
use crate::authorization::review::Reviews;
use crate::chain::Core;
use crate::registry::Target;
use crate::request::decode::Expected;
use crate::request::options::WriteOptions;
use skiff_apimachinery::{Document, GroupResource, Status};

/// Answers reviews: who somebody is, what somebody may do.
pub trait Review: Send + Sync + 'static {
    /// The review with its status filled in.
    ///
    /// # Errors
    /// If the review is invalid.
    fn answer(
        &self,
        resource: &GroupResource,
        namespace: &str,
        user: &UserInfo,
        review: Document,
    ) -> Result<Document, Status>;
}

impl Review for Reviews {
    fn answer(
        &self,
        resource: &GroupResource,
        namespace: &str,
        user: &UserInfo,
        review: Document,
    ) -> Result<Document, Status> {
        Self::answer(self, resource, namespace, user, review)
    }
}

pub(super) fn run(core: &Core, target: &Target, call: Call) -> Result<Answer, Status> {
    let options = WriteOptions::parse(&call.query, "CreateOptions")?;
    let resource = target.group_resource();
    let Some(reviews) = &core.reviews else {
        return Err(Status::no_such_method());
    };
    let (review, warnings) = call.body.object(&Expected::of(&target.row), options.field_validation)?;
    let answer = reviews.answer(&resource, &target.namespace, &call.user, review)?;
    Ok(Answer { code: 201, outcome: Outcome::Other(answer), warnings })
}
