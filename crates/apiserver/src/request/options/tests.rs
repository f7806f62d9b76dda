//! What queries ask for, and what is told of those that cannot be read.

use super::*;
use crate::request::Query;
use skiff_apimachinery::{Status, doc};

fn list(query: &str) -> Result<ReadAt, String> {
    ListOptions::parse(&Query::parse(query), false).map(|o| o.read_at).map_err(|s| s.message)
}

#[test]
fn revisions_and_matches_combine_as_documented() {
    assert_eq!(list(""), Ok(ReadAt::Latest));
    assert_eq!(list("resourceVersion=0&limit=5"), Ok(ReadAt::Any));
    assert_eq!(list("resourceVersion=7"), Ok(ReadAt::NotOlderThan(7)));
    assert_eq!(list("resourceVersion=7&limit=5"), Ok(ReadAt::Exact(7)));
    assert_eq!(list("resourceVersion=7&resourceVersionMatch=Exact"), Ok(ReadAt::Exact(7)));
    assert!(list("resourceVersionMatch=Exact").unwrap_err().contains("forbidden unless resourceVersion"));
    assert!(list("resourceVersion=0&resourceVersionMatch=Exact").is_err());
    assert!(list("resourceVersion=x").is_err());
}

#[test]
fn delete_options_come_from_the_body_or_the_query() {
    let body = doc!({"propagationPolicy": "Foreground", "preconditions": {"uid": "u"}, "dryRun": ["All"]});
    let options = DeleteOptions::parse(&Query::default(), Some(&body)).unwrap();
    assert_eq!(options.propagation, Some(Propagation::Foreground));
    assert_eq!(options.uid.as_deref(), Some("u"));
    assert!(options.dry_run);
    let options = DeleteOptions::parse(&Query::parse("gracePeriodSeconds=3"), None).unwrap();
    assert_eq!(options.grace_period_seconds, Some(3));
    assert!(DeleteOptions::parse(&Query::parse("propagationPolicy=Never"), None).is_err());
}

#[test]
fn what_cannot_be_read_is_told_in_upstreams_words() {
    let list = |query: &str| ListOptions::parse(&Query::parse(query), false).map(drop);
    let watch = |query: &str| ListOptions::parse(&Query::parse(query), true).map(drop);
    let create = |query: &str| WriteOptions::parse(&Query::parse(query), "CreateOptions").map(drop);
    let delete = |query: &str| DeleteOptions::parse(&Query::parse(query), None).map(drop);
    let cases: [(Result<(), Status>, u16, &str); 11] = [
        (list("limit=x"), 400, r#"strconv.ParseInt: parsing "x": invalid syntax"#),
        (list("timeoutSeconds="), 400, r#"strconv.ParseInt: parsing "": invalid syntax"#),
        (
            list("resourceVersion=x"),
            400,
            r#"invalid resource version: resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax"#,
        ),
        (
            list("sendInitialEvents=true"),
            422,
            r#"ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"#,
        ),
        (
            watch("resourceVersionMatch=Exact"),
            422,
            r#"ListOptions.meta.k8s.io "" is invalid: [resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided, resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"]"#,
        ),
        (
            create("dryRun=All&dryRun=Some"),
            422,
            r#"CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["All","Some"]: supported values: "All""#,
        ),
        (
            create("fieldManager=a%0Ab"),
            422,
            r#"CreateOptions.meta.k8s.io "" is invalid: fieldManager: Invalid value: "a\nb": invalid character U+000A (at position 1)"#,
        ),
        (
            create("fieldValidation=Never"),
            422,
            r#"CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Never": supported values: "", "Ignore", "Strict", "Warn""#,
        ),
        (
            delete("propagationPolicy=Never"),
            422,
            r#"DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Never": supported values: "Foreground", "Background", "Orphan", "nil""#,
        ),
        (
            delete("propagationPolicy=Orphan&orphanDependents=true"),
            422,
            r#"DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set"#,
        ),
        (delete("gracePeriodSeconds=1.5"), 400, r#"strconv.ParseInt: parsing "1.5": invalid syntax"#),
    ];
    for (result, code, message) in cases {
        let status = result.unwrap_err();
        assert_eq!((status.code, status.message.as_str()), (code, message));
    }
}
