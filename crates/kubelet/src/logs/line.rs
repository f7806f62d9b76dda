//! One line of a log: what of it a reader gets. Pure.

use jiff::Timestamp;

/// Which lines, in which form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineOptions {
    /// Lines from this time on.
    pub since: Option<Timestamp>,
    /// Each line after its time.
    pub timestamps: bool,
    /// At most so many bytes.
    pub limit: Option<u64>,
    /// Lines of `stdout` or `stderr` only; empty for both.
    pub stream: &'static str,
}

/// Turns the lines of a log into what a reader gets, one after the other.
#[derive(Debug)]
pub struct LineFilter {
    options: LineOptions,
    left: Option<u64>,
    at_line_start: bool,
}

impl LineFilter {
    /// A filter before the first line.
    pub fn new(options: LineOptions) -> Self {
        Self { left: options.limit, options, at_line_start: true }
    }

    /// Whether the limit is reached.
    pub fn is_done(&self) -> bool {
        self.left == Some(0)
    }

    /// What the reader gets of a raw line (with its newline, if it has one yet). Malformed lines give nothing.
    pub fn take(&mut self, raw: &[u8]) -> Vec<u8> {
        let Some(line) = Line::parse(raw) else { return Vec::new() };
        let wanted = self.options.stream.is_empty() || line.stream == self.options.stream;
        let new_enough = self.options.since.is_none_or(|since| line.time().is_some_and(|time| time >= since));
        if !wanted || !new_enough {
            return Vec::new();
        }
        let mut out = Vec::with_capacity(raw.len());
        if self.options.timestamps && self.at_line_start {
            out.extend_from_slice(line.stamp.as_bytes());
            out.push(b' ');
        }
        out.extend_from_slice(line.text);
        self.at_line_start = !line.partial;
        if !line.partial {
            out.push(b'\n');
        }
        if let Some(left) = &mut self.left {
            out.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= out.len() as u64;
        }
        out
    }
}

struct Line<'a> {
    stamp: &'a str,
    stream: &'a str,
    partial: bool,
    text: &'a [u8],
}

impl<'a> Line<'a> {
    fn parse(raw: &'a [u8]) -> Option<Self> {
        let raw = raw.strip_suffix(b"\n").unwrap_or(raw);
        let mut parts = raw.splitn(4, |byte| *byte == b' ');
        let stamp = std::str::from_utf8(parts.next()?).ok()?;
        let stream = std::str::from_utf8(parts.next()?).ok()?;
        let tags = parts.next()?;
        let text = parts.next()?;
        Some(Self { stamp, stream, partial: tags.split(|b| *b == b':').next() == Some(b"P"), text })
    }

    fn time(&self) -> Option<Timestamp> {
        self.stamp.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &[&[u8]] = &[
        b"2026-01-01T00:00:01.000000001Z stdout F one\n",
        b"2026-01-01T00:00:02.000000000Z stderr F two\n",
        b"2026-01-01T00:00:03.000000000Z stdout P thr\n",
        b"2026-01-01T00:00:03.000000000Z stdout F ee\n",
        b"garbage\n",
    ];

    fn read(options: LineOptions) -> String {
        let mut filter = LineFilter::new(options);
        let bytes: Vec<u8> = LOG.iter().flat_map(|raw| filter.take(raw)).collect();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn options_select_and_form_lines() {
        let base = LineOptions::default;
        assert_eq!(read(base()), "one\ntwo\nthree\n");
        assert_eq!(read(LineOptions { stream: "stderr", ..base() }), "two\n");
        assert_eq!(read(LineOptions { limit: Some(6), ..base() }), "one\ntw");
        assert_eq!(
            read(LineOptions { since: "2026-01-01T00:00:02Z".parse().ok(), ..base() }),
            "two\nthree\n"
        );
        assert_eq!(
            read(LineOptions { timestamps: true, stream: "stdout", ..base() }),
            "2026-01-01T00:00:01.000000001Z one\n2026-01-01T00:00:03.000000000Z three\n"
        );
    }
}
