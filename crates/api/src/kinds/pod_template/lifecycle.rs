//! Hooks of containers, the signal that stops them, and what hooks and probes do.

use super::given;
use super::spec::Around;
use crate::validation::network;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldError, FieldErrors, names};

/// Whose action it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handler {
    Hook,
    Probe,
}

impl Handler {
    /// The actions, in upstream's order.
    fn actions(self) -> [&'static str; 4] {
        match self {
            Self::Hook => ["exec", "httpGet", "tcpSocket", "sleep"],
            Self::Probe => ["exec", "httpGet", "tcpSocket", "grpc"],
        }
    }
}

/// Signals that stop a container on Windows.
const WINDOWS_SIGNALS: [&str; 2] = ["SIGKILL", "SIGTERM"];
/// Signals that stop a container on Linux, as upstream sorts them.
const LINUX_SIGNALS: [&str; 65] = [
    "SIGABRT",
    "SIGALRM",
    "SIGBUS",
    "SIGCHLD",
    "SIGCLD",
    "SIGCONT",
    "SIGFPE",
    "SIGHUP",
    "SIGILL",
    "SIGINT",
    "SIGIO",
    "SIGIOT",
    "SIGKILL",
    "SIGPIPE",
    "SIGPOLL",
    "SIGPROF",
    "SIGPWR",
    "SIGQUIT",
    "SIGRTMAX",
    "SIGRTMAX-1",
    "SIGRTMAX-10",
    "SIGRTMAX-11",
    "SIGRTMAX-12",
    "SIGRTMAX-13",
    "SIGRTMAX-14",
    "SIGRTMAX-2",
    "SIGRTMAX-3",
    "SIGRTMAX-4",
    "SIGRTMAX-5",
    "SIGRTMAX-6",
    "SIGRTMAX-7",
    "SIGRTMAX-8",
    "SIGRTMAX-9",
    "SIGRTMIN",
    "SIGRTMIN+1",
    "SIGRTMIN+10",
    "SIGRTMIN+11",
    "SIGRTMIN+12",
    "SIGRTMIN+13",
    "SIGRTMIN+14",
    "SIGRTMIN+15",
    "SIGRTMIN+2",
    "SIGRTMIN+3",
    "SIGRTMIN+4",
    "SIGRTMIN+5",
    "SIGRTMIN+6",
    "SIGRTMIN+7",
    "SIGRTMIN+8",
    "SIGRTMIN+9",
    "SIGSEGV",
    "SIGSTKFLT",
    "SIGSTOP",
    "SIGSYS",
    "SIGTERM",
    "SIGTRAP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGUSR1",
    "SIGUSR2",
    "SIGVTALRM",
    "SIGWINCH",
    "SIGXCPU",
    "SIGXFSZ",
];

/// The hooks of a container, and its stop signal.
pub(super) fn validate(container: &Document, place: &Place<'_>, around: &Around<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let Some(lifecycle) = given(container, "lifecycle") else { return out };
    for name in ["postStart", "preStop"] {
        if let Some(hook) = given(lifecycle, name) {
            out.extend(handler(hook, &place.child(name), Handler::Hook, around));
        }
    }
    if let Some(signal) = lifecycle.get("stopSignal").and_then(Document::as_str) {
        out.extend(stop_signal(signal, &place.child("stopSignal"), around.os));
    }
    out
}

fn stop_signal(signal: &str, place: &Place<'_>, os: Option<&str>) -> Option<FieldError> {
    match os {
        None | Some("") => Some(place.forbidden("may not be set for containers with empty `spec.os.name`")),
        Some("windows") => place.among(signal, &WINDOWS_SIGNALS),
        Some("linux") => place.among(signal, &LINUX_SIGNALS),
        Some(_) => None,
    }
}

/// What a hook or probe does: one thing.
pub(super) fn handler(
    handler: &Document,
    place: &Place<'_>,
    kind: Handler,
    around: &Around<'_>,
) -> FieldErrors {
    let mut out = FieldErrors::new();
    let mut seen = false;
    for name in kind.actions() {
        let Some(action) = given(handler, name) else { continue };
        let place = &place.child(name);
        if std::mem::replace(&mut seen, true) {
            out.push(place.forbidden("may not specify more than 1 handler type"));
            continue;
        }
        match name {
            "exec" if action.array_at(&["command"]).is_empty() => {
                out.push(place.child("command").required(""));
            }
            "exec" => {}
            "httpGet" => out.extend(http_get(action, place)),
            "sleep" => out.extend(sleep(action, place, around.grace_period)),
            _ => out.extend(port(action, place)),
        }
    }
    if !seen {
        out.push(place.required("must specify a handler type"));
    }
    out
}

fn http_get(get: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    if get.str_at(&["path"]).is_empty() {
        out.push(place.child("path").required(""));
    }
    out.extend(port(get, place));
    out.extend(place.child("scheme").among(get.str_at(&["scheme"]), &["HTTP", "HTTPS"]));
    let place = place.child("httpHeaders");
    for header in get.array_at(&["httpHeaders"]) {
        let name = header.str_at(&["name"]);
        out.extend(place.complaints(name, names::http_header_name(name)));
    }
    out
}

fn port(action: &Document, place: &Place<'_>) -> FieldErrors {
    let place = place.child("port");
    match action.get("port").map(|port| (port, port.as_i64())) {
        Some((_, Some(1..=65535))) => FieldErrors::new(),
        Some((port, _)) if !port.is_null() => network::port_or_name(&place.path(), port),
        _ => network::port(&place.path(), 0).into_iter().collect(),
    }
}

/// A container sleeps no longer than the pod has to end.
fn sleep(action: &Document, place: &Place<'_>, grace_period: Option<i64>) -> Option<FieldError> {
    let (seconds, grace_period) = (action.i64_at(&["seconds"]).unwrap_or(0), grace_period?);
    (!(0..=grace_period).contains(&seconds)).then(|| {
        let why =
            format!("must be non-negative and less than terminationGracePeriodSeconds ({grace_period})");
        place.invalid(seconds, why)
    })
}
