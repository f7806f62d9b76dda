//! What is told of the results of checks. Pure.

use super::Endpoint;

/// What an endpoint answers.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status code.
    pub code: u16,
    /// Text for people and probes.
    pub text: String,
}

/// A check's name and what it found.
pub(super) type Outcome<'a> = (&'a str, Result<(), String>);

/// The text of all checks of an endpoint that were not excluded by name.
pub(super) fn of_all(
    endpoint: Endpoint,
    outcomes: &[Outcome<'_>],
    excluded: &[&str],
    verbose: bool,
) -> Answer {
    let mut text = String::new();
    let mut failed = false;
    for (name, outcome) in outcomes {
        if excluded.contains(name) {
            text.push_str(&format!("[+]{name} excluded: ok\n"));
            continue;
        }
        match outcome {
            Ok(()) => text.push_str(&format!("[+]{name} ok\n")),
            Err(why) => {
                failed = true;
                tracing::info!(check = name, why, "{} check failed", endpoint.name());
                // The endpoint is open to everybody.
                text.push_str(&format!("[-]{name} failed: reason withheld\n"));
            }
        }
    }
    let mut unknown: Vec<&str> =
        excluded.iter().copied().filter(|name| outcomes.iter().all(|(known, _)| known != name)).collect();
    unknown.sort_unstable();
    unknown.dedup();
    if !unknown.is_empty() {
        let quoted: Vec<String> = unknown.iter().map(|name| format!("{name:?}")).collect();
        let names = quoted.join(",");
        text.push_str(&format!("warn: some health checks cannot be excluded: no matches for {names}\n"));
    }
    let name = endpoint.name();
    match (failed, verbose) {
        (true, _) => Answer { code: 500, text: format!("{text}{name} check failed\n") },
        (false, true) => Answer { code: 200, text: format!("{text}{name} check passed\n") },
        (false, false) => Answer { code: 200, text: "ok".into() },
    }
}

/// The text of a single check; whoever may ask for it is told why it failed.
pub(super) fn of_one(outcome: Result<(), String>) -> Answer {
    match outcome {
        Ok(()) => Answer { code: 200, text: "ok".into() },
        Err(why) => Answer { code: 500, text: format!("internal server error: {why}\n") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_told_in_upstreams_words() {
        let good = [("ping", Ok(())), ("etcd", Ok(()))];
        let bad = [("ping", Ok(())), ("etcd", Err("no answer".to_owned()))];
        type Case<'a> = (&'a str, &'a [Outcome<'a>], &'a [&'a str], bool, u16, &'a str);
        let cases: [Case<'_>; 6] = [
            ("all well", &good, &[], false, 200, "ok"),
            ("verbose", &good, &[], true, 200, "[+]ping ok\n[+]etcd ok\nlivez check passed\n"),
            (
                "one failed",
                &bad,
                &[],
                false,
                500,
                "[+]ping ok\n[-]etcd failed: reason withheld\nlivez check failed\n",
            ),
            ("the failed one is excluded", &bad, &["etcd"], false, 200, "ok"),
            (
                "excluded, verbose",
                &bad,
                &["etcd"],
                true,
                200,
                "[+]ping ok\n[+]etcd excluded: ok\nlivez check passed\n",
            ),
            (
                "excluded what is not there",
                &good,
                &["b", "a", "b"],
                true,
                200,
                "[+]ping ok\n[+]etcd ok\n\
                 warn: some health checks cannot be excluded: no matches for \"a\",\"b\"\nlivez check passed\n",
            ),
        ];
        for (case, outcomes, excluded, verbose, code, text) in cases {
            let answer = of_all(Endpoint::Livez, outcomes, excluded, verbose);
            assert_eq!(answer, Answer { code, text: text.to_owned() }, "{case}");
        }
    }
}
