//! Secrets: `stringData` becomes `data` on the way in, the type says which keys must be there.

mod json_syntax;

use super::cells;
use super::config_map::{MAX_SIZE, decoded_len, immutable_errors, key_errors};
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map};
use std::borrow::Cow;

/// `v1 Secret`.
pub(crate) struct Secret;

const SERVICE_ACCOUNT: &str = "kubernetes.io/service-account.name";

impl Strategy for Secret {
    fn default(&self, object: &mut Document) {
        for (key, value) in object.remove(&["stringData"]).map(Document::into_object).unwrap_or_default() {
            object.ensure(&["data"]).insert(key, STANDARD.encode(value.as_str().unwrap_or("")));
        }
        if object.str_at(&["type"]).is_empty() {
            object.insert("type", "Opaque");
        }
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("data");
        let data = object.object_at(&["data"]);
        let mut out = key_errors(&field, data);
        let size: usize =
            data.into_iter().flat_map(Map::values).filter_map(Document::as_str).map(decoded_len).sum();
        if size > MAX_SIZE {
            out.push(FieldError::too_long(&field, MAX_SIZE));
        }
        out.extend(type_errors(&field, object, data));
        out
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = FieldErrors::new();
        let ty = FieldPath::new("type");
        out.extend(crate::validation::immutable(&ty, new.get("type"), old.get("type")));
        out.extend(immutable_errors(new, old, &["data"]));
        out.extend(self.validate_create(new));
        out
    }

    fn selectable_fields(&self) -> Vec<Cow<'static, str>> {
        vec!["type".into()]
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("Type"), Column::text("Data"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let entries = object.object_at(&["data"]).map_or(0, Map::len);
        vec![cells::name(object), cells::text(object, &["type"]), entries.into(), cells::age(object, now)]
    }
}

/// What the type of a Secret asks of its keys.
fn type_errors(field: &FieldPath, object: &Document, data: Option<&Map>) -> FieldErrors {
    let has = |key: &str| data.is_some_and(|data| data.contains_key(key));
    let missing = |keys: &[&str]| -> FieldErrors {
        let missing = keys.iter().filter(|key| !has(key));
        missing.map(|key| FieldError::required(&field.key(key), "")).collect()
    };
    match object.str_at(&["type"]) {
        "kubernetes.io/service-account-token"
            if object.annotation(SERVICE_ACCOUNT).unwrap_or("").is_empty() =>
        {
            let field = FieldPath::new("metadata").child("annotations").key(SERVICE_ACCOUNT);
            vec![FieldError::required(&field, "")]
        }
        "kubernetes.io/dockercfg" => docker_errors(field, data, ".dockercfg"),
        "kubernetes.io/dockerconfigjson" => docker_errors(field, data, ".dockerconfigjson"),
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => {
            missing(&["username", "password"])
        }
        "kubernetes.io/ssh-auth" => {
            let text = data.and_then(|data| data.get("ssh-privatekey")).and_then(Document::as_str);
            let key = text.unwrap_or("").is_empty().then(|| field.key("ssh-privatekey"));
            key.map(|key| FieldError::required(&key, "")).into_iter().collect()
        }
        "kubernetes.io/tls" => missing(&["tls.crt", "tls.key"]),
        _ => FieldErrors::new(),
    }
}

fn docker_errors(field: &FieldPath, data: Option<&Map>, key: &str) -> FieldErrors {
    let field = field.key(key);
    let Some(text) = data.and_then(|data| data.get(key)).and_then(Document::as_str) else {
        return vec![FieldError::required(&field, "")];
    };
    let bytes = STANDARD.decode(text).unwrap_or_default();
    let complaint = json_syntax::object_complaint(&bytes);
    complaint.map(|why| FieldError::invalid(&field, "<secret contents redacted>", why)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn shown(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn string_data_becomes_data() {
        let mut secret = doc!({"data": {"a": "MQ=="}, "stringData": {"a": "x", "b": "y"}});
        Secret.default(&mut secret);
        assert_eq!(secret, doc!({"data": {"a": "eA==", "b": "eQ=="}, "type": "Opaque"}));
    }

    #[test]
    fn each_type_asks_for_its_keys() {
        let config = |text: &str| STANDARD.encode(text);
        let cases: [(&str, Document, &[&str]); 14] = [
            ("Opaque", doc!({}), &[]),
            ("example.test/any", doc!({"a": ""}), &[]),
            (
                "kubernetes.io/service-account-token",
                doc!({}),
                &["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
            ),
            ("kubernetes.io/dockercfg", doc!({}), &["data[.dockercfg]: Required value"]),
            ("kubernetes.io/dockercfg", doc!({".dockercfg": config("{}")}), &[]),
            (
                "kubernetes.io/dockercfg",
                doc!({".dockercfg": ""}),
                &[
                    r#"data[.dockercfg]: Invalid value: "<secret contents redacted>": unexpected end of JSON input"#,
                ],
            ),
            (
                "kubernetes.io/dockerconfigjson",
                doc!({".dockercfg": config("{}")}),
                &["data[.dockerconfigjson]: Required value"],
            ),
            (
                "kubernetes.io/dockerconfigjson",
                doc!({".dockerconfigjson": config("[]")}),
                &[
                    r#"data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": json: cannot unmarshal array into Go value of type map[string]interface {}"#,
                ],
            ),
            (
                "kubernetes.io/basic-auth",
                doc!({}),
                &["data[username]: Required value", "data[password]: Required value"],
            ),
            ("kubernetes.io/basic-auth", doc!({"password": ""}), &[]),
            (
                "kubernetes.io/ssh-auth",
                doc!({"ssh-privatekey": ""}),
                &["data[ssh-privatekey]: Required value"],
            ),
            ("kubernetes.io/ssh-auth", doc!({"ssh-privatekey": "eA=="}), &[]),
            ("kubernetes.io/tls", doc!({"tls.crt": ""}), &["data[tls.key]: Required value"]),
            (
                "kubernetes.io/tls",
                doc!({"a/b": ""}),
                &[
                    r#"data[a/b]: Invalid value: "a/b": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"#,
                    "data[tls.crt]: Required value",
                    "data[tls.key]: Required value",
                ],
            ),
        ];
        for (ty, data, expected) in cases {
            let secret = doc!({"type": ty, "data": data.clone()});
            assert_eq!(shown(&Secret.validate_create(&secret)), expected, "{ty} {data:?}");
        }
        let token = doc!({
            "metadata": {"annotations": {(SERVICE_ACCOUNT): "default"}},
            "type": "kubernetes.io/service-account-token"
        });
        assert!(Secret.validate_create(&token).is_empty());
    }

    #[test]
    fn a_secret_is_at_most_a_mebibyte() {
        let of = |size: usize| doc!({"type": "Opaque", "data": {"a": STANDARD.encode("x".repeat(size))}});
        assert!(Secret.validate_create(&of(MAX_SIZE)).is_empty());
        assert_eq!(
            shown(&Secret.validate_create(&of(MAX_SIZE + 1))),
            ["data: Too long: may not be more than 1048576 bytes"]
        );
    }

    #[test]
    fn the_type_stays_and_so_does_what_is_immutable() {
        let old = doc!({"type": "Opaque", "immutable": true, "data": {"a": "eA=="}});
        let cases: [(Document, &[&str]); 4] = [
            (old.clone(), &[]),
            (
                doc!({"type": "other", "immutable": true, "data": {"a": "eA=="}}),
                &[r#"type: Invalid value: "other": field is immutable"#],
            ),
            (
                doc!({"type": "Opaque", "data": {"a": "eA=="}}),
                &["immutable: Forbidden: field is immutable when `immutable` is set"],
            ),
            (
                doc!({"type": "Opaque", "immutable": true, "data": {}}),
                &["data: Forbidden: field is immutable when `immutable` is set"],
            ),
        ];
        for (new, expected) in cases {
            assert_eq!(shown(&Secret.validate_update(UpdateScope::Main, &new, &old)), expected, "{new:?}");
        }
    }

    #[test]
    fn rows_count_the_keys() {
        let secret = doc!({"metadata": {"name": "s"}, "type": "Opaque", "data": {"a": "", "b": ""}});
        let cells = Secret.cells(&secret, Timestamp::UNIX_EPOCH);
        assert_eq!(cells, [Document::from("s"), "Opaque".into(), 2.into(), "<unknown>".into()]);
    }
}
