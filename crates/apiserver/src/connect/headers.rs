//! Which headers go from one connection to the next.

use http::header::{
    AUTHORIZATION, CONNECTION, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Headers that are about one connection.
const HOP_BY_HOP: [HeaderName; 7] =
    [CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];
/// How browsers send bearer tokens.
const TOKEN_PROTOCOL: &str = "base64url.bearer.authorization.k8s.io.";

/// The headers of a request that is passed on as an upgrade: without the client's credentials, addressed to `host`.
pub(super) fn for_upgrade(headers: &HeaderMap, host: &str) -> HeaderMap {
    let mut out = without_credentials(headers, host);
    out.remove(TRANSFER_ENCODING);
    out
}

/// The headers of a request that is passed on: without the client's credentials and what is about its connection.
pub(super) fn for_request(headers: &HeaderMap, host: &str) -> HeaderMap {
    let mut out = without_credentials(headers, host);
    drop_hop_by_hop(&mut out);
    out
}

/// The headers of an answer that is passed on.
pub(super) fn for_answer(mut headers: HeaderMap) -> HeaderMap {
    drop_hop_by_hop(&mut headers);
    headers
}

/// Whether the client asks for another protocol.
pub(super) fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(UPGRADE) && lists(headers, &CONNECTION, "upgrade")
}

/// Whether the client asks for a WebSocket.
pub(super) fn is_websocket(headers: &HeaderMap) -> bool {
    is_upgrade(headers) && lists(headers, &UPGRADE, "websocket")
}

fn lists(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|token| token.trim().eq_ignore_ascii_case(wanted))
}

fn without_credentials(headers: &HeaderMap, host: &str) -> HeaderMap {
    let mut out = headers.clone();
    out.remove(AUTHORIZATION);
    let impersonation: Vec<HeaderName> =
        out.keys().filter(|name| name.as_str().starts_with("impersonate-")).cloned().collect();
    for name in impersonation {
        out.remove(name);
    }
    drop_token_protocols(&mut out);
    if let Ok(host) = HeaderValue::from_str(host) {
        out.insert(HOST, host);
    }
    out
}

fn drop_token_protocols(headers: &mut HeaderMap) {
    let Some(offered) = headers.get(SEC_WEBSOCKET_PROTOCOL).and_then(|value| value.to_str().ok()) else {
        return;
    };
    if !offered.contains(TOKEN_PROTOCOL) {
        return;
    }
    let kept: Vec<&str> =
        offered.split(',').map(str::trim).filter(|protocol| !protocol.starts_with(TOKEN_PROTOCOL)).collect();
    match HeaderValue::from_str(&kept.join(", ")) {
        Ok(kept) if !kept.is_empty() => drop(headers.insert(SEC_WEBSOCKET_PROTOCOL, kept)),
        _ => drop(headers.remove(SEC_WEBSOCKET_PROTOCOL)),
    }
}

fn drop_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<String> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(|token| token.trim().to_ascii_lowercase()))
        .collect();
    for name in named {
        headers.remove(name.as_str());
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    headers.remove("keep-alive");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn credentials_stay_here_and_the_upgrade_goes_on() {
        let asked = headers(&[
            ("authorization", "Bearer x"),
            ("impersonate-user", "jane"),
            ("connection", "Upgrade"),
            ("upgrade", "SPDY/3.1"),
            ("x-stream-protocol-version", "v4.channel.k8s.io"),
            ("host", "api"),
        ]);
        assert_eq!(
            for_upgrade(&asked, "node:10250"),
            headers(&[
                ("connection", "Upgrade"),
                ("upgrade", "SPDY/3.1"),
                ("x-stream-protocol-version", "v4.channel.k8s.io"),
                ("host", "node:10250"),
            ])
        );
    }

    #[test]
    fn a_token_in_the_websocket_protocols_stays_here() {
        let asked = headers(&[(
            "sec-websocket-protocol",
            "base64url.bearer.authorization.k8s.io.eHh4, v5.channel.k8s.io",
        )]);
        assert_eq!(for_upgrade(&asked, "n").get("sec-websocket-protocol").unwrap(), "v5.channel.k8s.io");
    }

    #[test]
    fn what_is_about_the_connection_is_not_passed_on() {
        let answer =
            headers(&[("connection", "close, x-a"), ("x-a", "1"), ("keep-alive", "5"), ("x-b", "2")]);
        assert_eq!(for_answer(answer), headers(&[("x-b", "2")]));
    }
}
