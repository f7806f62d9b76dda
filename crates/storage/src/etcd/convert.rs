//! Between etcd's types and ours.

use crate::{KeyValue, Revision, StorageError};
use etcd_client::{Error, ResponseHeader};

/// gRPC's code for a used-up quota.
const RESOURCE_EXHAUSTED: i32 = 8;

/// A revision as etcd counts.
pub(super) fn from_revision(revision: Revision) -> Result<i64, StorageError> {
    i64::try_from(revision).map_err(|_| StorageError::Future { current: 0 })
}

/// The revision of an answer.
pub(super) fn to_revision(header: Option<&ResponseHeader>) -> Revision {
    header.map_or(0, |header| revision(header.revision()))
}

/// A revision in an answer; etcd's are never negative.
pub(super) fn revision(number: i64) -> Revision {
    Revision::try_from(number).unwrap_or(0)
}

/// A key and its state.
pub(super) fn key_value(found: &etcd_client::KeyValue) -> Result<KeyValue, StorageError> {
    Ok(KeyValue {
        key: key(found)?.into(),
        value: found.value().to_vec().into(),
        create_revision: revision(found.create_revision()),
        mod_revision: revision(found.mod_revision()),
    })
}

/// A key as text.
pub(super) fn key(found: &etcd_client::KeyValue) -> Result<&str, StorageError> {
    found.key_str().map_err(|_| StorageError::Corrupt("etcd holds a key that is not UTF-8".to_owned()))
}

/// The first key after all that begin with a prefix; etcd takes a zero byte for "no end".
pub(super) fn prefix_end(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    vec![0]
}

/// What a caller is told about a refusal. etcd does not say which revisions it still has.
pub(super) fn refused(error: Error) -> StorageError {
    let Error::GRpcStatus(status) = &error else { return StorageError::Unavailable(error.to_string()) };
    let text = status.message();
    if text.contains("required revision has been compacted") {
        StorageError::Compacted { oldest: 0 }
    } else if text.contains("required revision is a future revision") {
        StorageError::Future { current: 0 }
    } else if text.contains("request is too large") || text.contains("received message larger than max") {
        StorageError::TooLarge
    } else if text.contains("database space exceeded") {
        StorageError::NoSpace
    } else if status.code() as i32 == RESOURCE_EXHAUSTED {
        StorageError::Unavailable(text.to_owned())
    } else {
        StorageError::Unavailable(format!("etcd: {text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_before_the_next_one() {
        assert_eq!(prefix_end("/registry/pods/"), b"/registry/pods0");
        assert_eq!(prefix_end("a\u{7f}"), b"a\x80");
        assert_eq!(prefix_end(""), [0]);
    }
}
