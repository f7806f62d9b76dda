//! Documents to bytes of a media type.

use crate::request::Media;
use bytes::Bytes;
use skiff_apimachinery::{Document, json, yaml};

/// A whole answer, with a line's end where text has one.
pub fn encode(document: &Document, media: Media) -> Bytes {
    match media {
        Media::Json => {
            let mut bytes = json::encode(document);
            bytes.push(b'\n');
            bytes.into()
        }
        Media::PrettyJson => {
            let mut bytes = json::encode_pretty(document);
            bytes.push(b'\n');
            bytes.into()
        }
        Media::Yaml => yaml::encode(document).into(),
        Media::Protobuf => crate::protobuf::encode(document).into(),
    }
}
