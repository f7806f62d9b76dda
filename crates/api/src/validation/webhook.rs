//! Where webhooks are reached: a URL or a service, and the authorities that they are trusted by.

use super::{names, pem};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use x509_parser::prelude::{FromDer, X509Certificate};

/// What is wrong with a client configuration: exactly one of `url` and `service`.
pub(crate) fn client_config(field: &FieldPath, config: &Document) -> FieldErrors {
    let given = |key: &str| config.get(key).filter(|value| !value.is_null());
    match (given("url"), given("service")) {
        (Some(address), None) => url(&field.child("url"), address.as_str().unwrap_or_default()),
        (None, Some(described)) => service(&field.child("service"), described),
        _ => vec![FieldError::required(field, "exactly one of url or service is required")],
    }
}

/// What is wrong with the URL of a webhook.
fn url(field: &FieldPath, text: &str) -> FieldErrors {
    const FORM: &str = "; desired format: https://host[/path]";
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(why) => {
            return vec![FieldError::required(field, format!("url must be a valid URL: {why}{FORM}"))];
        }
    };
    let mut out = FieldErrors::new();
    let mut wrong = |value: &str, why: String| out.push(FieldError::invalid(field, value, why));
    if url.scheme != "https" {
        wrong(&url.scheme, format!("'https' is the only allowed URL scheme{FORM}"));
    }
    if url.host.is_empty() {
        wrong("", format!("host must be provided{FORM}"));
    }
    if let Some(user) = url.user {
        wrong(user, "user information is not permitted in the URL".to_owned());
    }
    if !url.fragment.is_empty() {
        wrong(url.fragment, "fragments are not permitted in the URL".to_owned());
    }
    if !url.query.is_empty() {
        wrong(url.query, "query parameters are not permitted in the URL".to_owned());
    }
    out
}

/// The parts of a URL that are looked at, split as Go's `url.Parse` splits them.
struct Url<'a> {
    scheme: String,
    user: Option<&'a str>,
    host: &'a str,
    query: &'a str,
    fragment: &'a str,
}

impl<'a> Url<'a> {
    fn parse(text: &'a str) -> Result<Self, String> {
        let failed = |why: &str| format!("parse {text:?}: {why}");
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err(failed("net/url: invalid control character in URL"));
        }
        let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
        let (scheme, rest) = scheme(rest).map_err(failed)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let Some(after) = rest.strip_prefix("//") else {
            return Ok(Self { scheme, user: None, host: "", query, fragment });
        };
        let authority = after.split('/').next().unwrap_or_default();
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        if let Some(bad) = host.chars().find(|c| matches!(c, ' ' | '"' | '\\' | '^' | '`' | '{' | '|' | '}'))
        {
            let bad = bad.to_string();
            return Err(failed(&format!("invalid character {bad:?} in host name")));
        }
        let port = host.rsplit_once(']').map_or(host, |(_, after)| after);
        if let Some((_, port)) = port.split_once(':')
            && !port.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Err(failed(&format!("invalid port \":{port}\" after host")));
        }
        Ok(Self { scheme, user, host, query, fragment })
    }
}

/// What stands before the first colon, if that can be a scheme, and the rest.
fn scheme(text: &str) -> Result<(String, &str), &'static str> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')));
    match end {
        Some(0) if text.starts_with(':') => Err("missing protocol scheme"),
        Some(end) if text[end..].starts_with(':') => {
            if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
                Ok((text[..end].to_ascii_lowercase(), &text[end + 1..]))
            } else {
                Err("first path segment in URL cannot contain colon")
            }
        }
        _ => Ok((String::new(), text)),
    }
}

/// What is wrong with the service of a webhook. Upstream takes the name for the namespace and the other way round.
fn service(field: &FieldPath, service: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    if service.str_at(&["namespace"]).is_empty() {
        out.push(FieldError::required(&field.child("name"), "service name is required"));
    }
    if service.str_at(&["name"]).is_empty() {
        out.push(FieldError::required(&field.child("namespace"), "service namespace is required"));
    }
    let port = service.i64_at(&["port"]).unwrap_or(0);
    let complaints = names::port_number(port);
    if !complaints.is_empty() {
        let why = format!("port is not valid: {}", complaints.join(", "));
        out.push(FieldError::invalid(&field.child("port"), port, why));
    }
    out.extend(path(&field.child("path"), service.str_at(&["path"])));
    out
}

fn path(field: &FieldPath, path: &str) -> FieldErrors {
    let wrong = |why: String| FieldError::invalid(field, path, why);
    match path {
        "" | "/" => return FieldErrors::new(),
        "//" => return vec![wrong("segment[0] may not be empty".to_owned())],
        _ => {}
    }
    let mut out = FieldErrors::new();
    if !path.starts_with('/') {
        out.push(wrong("must start with a '/'".to_owned()));
    }
    // The first character is taken for the slash, whatever it is.
    let mut rest = path.chars();
    rest.next();
    let rest = rest.as_str();
    for (i, step) in rest.strip_suffix('/').unwrap_or(rest).split('/').enumerate() {
        if step.is_empty() {
            out.push(wrong(format!("segment[{i}] may not be empty")));
            continue;
        }
        out.extend(
            names::dns1123_subdomain(step).into_iter().map(|why| wrong(format!("segment[{i}]: {why}"))),
        );
    }
    out
}

/// What is wrong with authorities' certificates, PEM in base64.
pub(crate) fn ca_bundle(field: &FieldPath, bundle: &str) -> Option<FieldError> {
    let certificates = pem::blocks_in_base64(bundle)
        .into_iter()
        .filter(|block| block.label == "CERTIFICATE" && !block.has_headers);
    let mut count = 0;
    for block in certificates {
        if X509Certificate::from_der(&block.der).is_err() {
            let why = "unable to load root certificates: x509: malformed certificate";
            return Some(FieldError::invalid(field, bundle, why));
        }
        count += 1;
    }
    (count == 0).then(|| {
        let why = "unable to load root certificates: unable to parse bytes as PEM block";
        FieldError::invalid(field, bundle, why)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn complaints(config: Document) -> Vec<String> {
        client_config(&FieldPath::new("c"), &config).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn there_is_one_way_to_a_webhook() {
        let why = ["c: Required value: exactly one of url or service is required"];
        assert_eq!(complaints(doc!({})), why);
        assert_eq!(complaints(doc!({"url": "https://a", "service": {}})), why);
    }

    #[test]
    fn urls_are_https_and_nothing_more() {
        let cases = [
            ("https://example.com:8443/path", String::new()),
            (
                "http://example.com",
                r#"c.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]"#.to_owned(),
            ),
            (
                "https://",
                r#"c.url: Invalid value: "": host must be provided; desired format: https://host[/path]"#.to_owned(),
            ),
            (
                "https://me:you@a/b?c=d#e",
                [
                    r#"c.url: Invalid value: "me:you": user information is not permitted in the URL"#,
                    r#"c.url: Invalid value: "e": fragments are not permitted in the URL"#,
                    r#"c.url: Invalid value: "c=d": query parameters are not permitted in the URL"#,
                ]
                .join("; "),
            ),
            (
                "arg://webhook.com:x",
                r#"c.url: Required value: url must be a valid URL: parse "arg://webhook.com:x": invalid port ":x" after host; desired format: https://host[/path]"#.to_owned(),
            ),
            (
                "",
                [
                    r#"c.url: Invalid value: "": 'https' is the only allowed URL scheme; desired format: https://host[/path]"#,
                    r#"c.url: Invalid value: "": host must be provided; desired format: https://host[/path]"#,
                ]
                .join("; "),
            ),
        ];
        for (url, expected) in cases {
            assert_eq!(complaints(doc!({"url": url})).join("; "), expected, "{url}");
        }
    }

    #[test]
    fn services_have_a_name_a_port_and_a_path() {
        let fine = doc!({"name": "n", "namespace": "ns", "port": 443});
        let with = |key: &str, value: Document| {
            let mut service = fine.clone();
            service.insert(key, value);
            doc!({"service": service})
        };
        let cases = [
            (with("path", doc!("/a/b/")), vec![]),
            (
                with("path", doc!("//")),
                vec![r#"c.service.path: Invalid value: "//": segment[0] may not be empty"#],
            ),
            (
                with("path", doc!("/a//b")),
                vec![r#"c.service.path: Invalid value: "/a//b": segment[1] may not be empty"#],
            ),
            (
                with("path", doc!("foo/")),
                vec![r#"c.service.path: Invalid value: "foo/": must start with a '/'"#],
            ),
            (
                with("port", doc!(0)),
                vec![
                    "c.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive",
                ],
            ),
            (
                with("name", doc!("")),
                vec!["c.service.namespace: Required value: service namespace is required"],
            ),
        ];
        for (config, expected) in cases {
            assert_eq!(complaints(config.clone()), expected, "{config}");
        }
    }

    #[test]
    fn bundles_hold_certificates() {
        let error = ca_bundle(&FieldPath::new("b"), "aGk=").unwrap();
        assert_eq!(
            error.to_string(),
            r#"b: Invalid value: "aGk=": unable to load root certificates: unable to parse bytes as PEM block"#
        );
    }
}
