//! In-process identities: who a component of this process is. Only this binary constructs them.

use skiff_apiserver::authentication::UserInfo;

/// A component's user.
pub(super) fn component(name: &str, groups: &[&str]) -> UserInfo {
    UserInfo::authenticated(name, groups.iter().copied())
}

/// The user of a service account in kube-system.
pub(super) fn controller(account: &str) -> UserInfo {
    component(
        &format!("system:serviceaccount:kube-system:{account}"),
        &["system:serviceaccounts", "system:serviceaccounts:kube-system"],
    )
}
