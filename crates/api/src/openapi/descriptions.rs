//! Texts of types and fields, embedded compressed and unpacked only while a document is made. The build script tells where
//! they come from and how the table looks.

use std::collections::HashMap;
use std::io::Read as _;

const TABLE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptions.zlib"));

/// The unpacked texts.
pub(super) struct Descriptions {
    texts: HashMap<Box<str>, HashMap<Box<str>, Box<str>>>,
}

impl Descriptions {
    pub(super) fn load() -> Self {
        let mut table = String::new();
        // the table was made by the build script, so reading it can only fail for want of memory; texts are then absent
        let _ = flate2::read::ZlibDecoder::new(TABLE).read_to_string(&mut table);
        let mut texts: HashMap<Box<str>, HashMap<Box<str>, Box<str>>> = HashMap::new();
        let mut definition: Box<str> = "".into();
        for line in table.lines() {
            let Some((name, text)) = line.split_once('\t') else { continue };
            let text = text.replace('\u{1}', "\n").into_boxed_str();
            match name.strip_prefix('=') {
                Some(name) => {
                    definition = name.into();
                    texts.entry(definition.clone()).or_default().insert("".into(), text);
                }
                None => drop(texts.entry(definition.clone()).or_default().insert(name.into(), text)),
            }
        }
        Self { texts }
    }

    /// The text of a definition.
    pub(super) fn definition(&self, definition: &str) -> &str {
        self.field(definition, "")
    }

    /// The text of a field.
    pub(super) fn field(&self, definition: &str, field: &str) -> &str {
        self.texts.get(definition).and_then(|fields| fields.get(field)).map_or("", |text| text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_texts_under_their_json_names() {
        let texts = Descriptions::load();
        assert!(texts.field("io.k8s.api.core.v1.ServiceSpec", "clusterIP").contains("IP address"));
        assert!(!texts.definition("io.k8s.api.apps.v1.Deployment").is_empty());
        assert!(!texts.field("io.k8s.api.apps.v1.RollingUpdateDeployment", "maxSurge").is_empty());
    }
}
