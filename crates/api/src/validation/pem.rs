//! PEM text: blocks of base64 between their marks, with whatever stands around them left out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// One block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// What the marks call it, such as `CERTIFICATE`.
    pub(crate) label: String,
    /// Whether it begins with `Key: value` lines.
    pub(crate) has_headers: bool,
    /// Its bytes.
    pub(crate) der: Vec<u8>,
}

const BEGIN: &str = "-----BEGIN ";

/// The well-formed blocks of a text, in order.
pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let mut lines = text.lines().map(str::trim_end);
    let mut out = Vec::new();
    while let Some(line) = lines.next() {
        let label = line.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix("-----"));
        let Some(label) = label else { continue };
        let mut ahead = lines.clone();
        if let Some(block) = block(label, &mut ahead) {
            out.push(block);
            lines = ahead;
        }
    }
    out
}

/// The blocks of a text that an object holds in base64.
pub(crate) fn blocks_in_base64(text: &str) -> Vec<Block> {
    let bytes = STANDARD.decode(text).unwrap_or_default();
    blocks(&String::from_utf8_lossy(&bytes))
}

fn block<'t>(label: &str, lines: &mut impl Iterator<Item = &'t str>) -> Option<Block> {
    let end = format!("-----END {label}-----");
    let (mut body, mut in_headers, mut has_headers) = (String::new(), true, false);
    for line in lines {
        if line == end {
            let der = STANDARD.decode(body).ok()?;
            return Some(Block { label: label.to_owned(), has_headers, der });
        }
        if line.starts_with(BEGIN) {
            return None;
        }
        in_headers &= line.contains(':');
        has_headers |= in_headers;
        if !in_headers {
            body.push_str(line.trim());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_among_other_text() {
        let text = "a\n-----BEGIN X-----\nKey: value\n\naGk=\n-----END X-----\nb\n-----BEGIN Y-----\naG\nk=\n-----END Y-----\n";
        let block =
            |label: &str, has_headers| Block { label: label.into(), has_headers, der: b"hi".to_vec() };
        assert_eq!(blocks(text), [block("X", true), block("Y", false)]);
        assert_eq!(blocks_in_base64(&STANDARD.encode(text)).len(), 2);
    }

    #[test]
    fn broken_blocks_are_none() {
        for text in [
            "",
            "-----BEGIN X-----\naGk=",
            "-----BEGIN X-----\n!\n-----END X-----",
            "-----BEGIN X-----\n-----END Y-----",
        ] {
            assert_eq!(blocks(text), [], "{text}");
        }
        assert_eq!(blocks("-----BEGIN X-----\n-----BEGIN Y-----\naGk=\n-----END Y-----")[0].label, "Y");
    }
}
