//! Lines of container logs, which containers write.

use crate::{Target, Verdict, law, target};
use skiff_kubelet::logs::line::{LineFilter, LineOptions};

const LIMIT: u64 = 16;

/// See [`Target`].
pub const TARGET: Target = Target { name: "cri_log", seeds: &[b"2026-01-01T00:00:01.000000001Z stdout F one\n2026-01-01T00:00:02Z stderr P:x tw\n2026-01-01T00:00:02Z stderr F o\ngarbage\n2026-01-01T00:00:03+01:00 stdout F \n"], made: target::none, run };

fn run(input: &[u8]) -> Verdict {
    let since = "2026-01-01T00:00:02Z".parse().ok();
    let plain = LineOptions::default;
    for options in [
        plain(),
        LineOptions { timestamps: true, ..plain() },
        LineOptions { since, stream: "stderr", ..plain() },
        LineOptions { limit: Some(LIMIT), timestamps: true, ..plain() },
    ] {
        let most = options.limit.unwrap_or(u64::MAX);
        let mut filter = LineFilter::new(options);
        let mut given = 0;
        for line in input.split_inclusive(|byte| *byte == b'\n') {
            let out = filter.take(line);
            law::holds("a line does not grow", out.len() <= line.len() + 1)?;
            given += out.len() as u64;
        }
        law::holds("a limit is kept", given <= most)?;
        law::same("a filter is done at its limit", &filter.is_done(), &(given == most))?;
    }
    Ok(())
}
