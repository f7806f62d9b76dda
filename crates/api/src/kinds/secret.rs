//! Secrets: `stringData` becomes `data` on the way in, the type says which keys must be there.

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
        let require = |out: &mut FieldErrors, key: &str| {
            if !data.is_some_and(|data| data.contains_key(key)) {
                out.push(FieldError::required(&field.key(key), ""));
            }
        };
        match object.str_at(&["type"]) {
            "kubernetes.io/service-account-token"
                if object.annotation(SERVICE_ACCOUNT).unwrap_or("").is_empty() =>
            {
                let field = FieldPath::new("metadata.annotations").key(SERVICE_ACCOUNT);
                out.push(FieldError::required(&field, ""));
            }
            "kubernetes.io/dockercfg" => docker_config(&mut out, &field, data, ".dockercfg"),
            "kubernetes.io/dockerconfigjson" => docker_config(&mut out, &field, data, ".dockerconfigjson"),
            "kubernetes.io/basic-auth" => {
                let has = |key| data.is_some_and(|data| data.contains_key(key));
                if !has("username") && !has("password") {
                    out.push(FieldError::required(&field.key("username"), ""));
                    out.push(FieldError::required(&field.key("password"), ""));
                }
            }
            "kubernetes.io/ssh-auth" => {
                let text = data.and_then(|data| data.get("ssh-privatekey")).and_then(Document::as_str);
                if text.unwrap_or("").is_empty() {
                    out.push(FieldError::required(&field.key("ssh-privatekey"), ""));
                }
            }
            "kubernetes.io/tls" => {
                require(&mut out, "tls.crt");
                require(&mut out, "tls.key");
            }
            _ => {}
        }
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

fn docker_config(out: &mut FieldErrors, field: &FieldPath, data: Option<&Map>, key: &str) {
    let Some(text) = data.and_then(|data| data.get(key)).and_then(Document::as_str) else {
        return out.push(FieldError::required(&field.key(key), ""));
    };
    let valid = STANDARD.decode(text).is_ok_and(|bytes| skiff_apimachinery::json::decode(&bytes).is_ok());
    if !valid {
        out.push(FieldError::invalid(
            &field.key(key),
            "<secret contents redacted>",
            "invalid character in JSON",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn string_data_becomes_data() {
        let mut secret = doc!({"data": {"a": "MQ=="}, "stringData": {"a": "x", "b": "y"}});
        Secret.default(&mut secret);
        assert_eq!(secret, doc!({"data": {"a": "eA==", "b": "eQ=="}, "type": "Opaque"}));
    }

    #[test]
    fn a_tls_secret_needs_its_keys() {
        let secret = doc!({"type": "kubernetes.io/tls", "data": {"tls.crt": ""}});
        let texts: Vec<String> = Secret.validate_create(&secret).iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["data[tls.key]: Required value"]);
    }
}
