//! Bodies: from bytes of a media type to an object that fits its kind.

use super::options::FieldValidation;
use bytes::Bytes;
use skiff_api::Resource;
use skiff_apimachinery::schema::Schema;
use skiff_apimachinery::{Document, GroupVersionKind, Status, decode, json, yaml};

/// What came with a request.
#[derive(Debug, Clone, Default)]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// Bytes of a media type, from a socket.
    Bytes {
        /// The Content-Type header.
        content_type: String,
        /// The bytes.
        bytes: Bytes,
    },
    /// A document, from within the process.
    Document {
        /// The media type of a patch; empty for objects.
        content_type: &'static str,
        /// The document.
        document: Document,
    },
}

/// Media types of whole objects.
const MEDIA_TYPES: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
/// Media types of custom resources, which have no protobuf form.
const CUSTOM_MEDIA_TYPES: &str = "application/json, application/yaml";

/// What a body has to be.
pub struct Expected<'a> {
    /// Its kind.
    pub gvk: &'a GroupVersionKind,
    /// Its fields; `None` if anything goes.
    pub schema: Option<&'a Schema>,
    /// Whether it is a custom resource.
    pub custom: bool,
}

impl<'a> Expected<'a> {
    /// An object of a row.
    pub fn of(row: &'a Resource) -> Self {
        Self { gvk: &row.gvk, schema: row.schema.as_ref().map(|schema| schema.get()), custom: row.custom }
    }
}

impl Body {
    /// Whether nothing came.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Bytes { bytes, .. } => bytes.iter().all(u8::is_ascii_whitespace),
            Self::Document { .. } => false,
        }
    }

    /// The body as an object of the expected kind, and the warnings that field validation found.
    ///
    /// # Errors
    /// 400 or 415 in upstream's words.
    pub fn object(
        self,
        expected: &Expected<'_>,
        validation: FieldValidation,
    ) -> Result<(Document, Vec<String>), Status> {
        let (mut object, duplicates) = self.parse(expected)?;
        check_kind(&mut object, expected)?;
        fit(&mut object, duplicates, expected, validation)
    }

    /// The body as DeleteOptions, of whatever group it says it is.
    ///
    /// # Errors
    /// As [`Body::object`].
    pub fn delete_options(self) -> Result<Document, Status> {
        let gvk = GroupVersionKind::new("", "v1", "DeleteOptions");
        let schema = skiff_api::schemas::lookup_kind(&gvk);
        let expected =
            Expected { gvk: &gvk, schema: schema.as_ref().map(|schema| schema.get()), custom: false };
        let (mut options, _) = self.parse(&expected)?;
        options.set_gvk(&gvk);
        let (options, _) = fit(&mut options, Vec::new(), &expected, FieldValidation::Ignore)?;
        Ok(options)
    }

    fn parse(self, expected: &Expected<'_>) -> Result<(Document, Vec<String>), Status> {
        match self {
            Self::Document { document, .. } => Ok((document, Vec::new())),
            Self::Empty => Err(unrecognized(expected, "EOF", b"")),
            Self::Bytes { content_type, bytes } => {
                let refuse = |why: &dyn std::fmt::Display| unrecognized(expected, why, &bytes);
                match media_type(&content_type) {
                    "" | "application/json" => json::decode_reporting(&bytes).map_err(|e| refuse(&e)),
                    "application/yaml" => {
                        let text = std::str::from_utf8(&bytes).map_err(|e| refuse(&e))?;
                        yaml::decode_reporting(text).map_err(|e| refuse(&e))
                    }
                    "application/vnd.kubernetes.protobuf" if !expected.custom => {
                        crate::protobuf::decode(&bytes, Some(expected.gvk))
                            .map(|object| (object, Vec::new()))
                            .map_err(|e| refuse(&e))
                    }
                    _ => {
                        let types = if expected.custom { CUSTOM_MEDIA_TYPES } else { MEDIA_TYPES };
                        Err(Status::unsupported_media_type(types))
                    }
                }
            }
        }
    }
}

/// Makes an object fit its kind and tells what field validation found: a failure, or texts for warnings.
///
/// # Errors
/// 400 for a value of a wrong type, and for what strict validation refuses.
pub fn fit(
    object: &mut Document,
    duplicates: Vec<String>,
    expected: &Expected<'_>,
    validation: FieldValidation,
) -> Result<(Document, Vec<String>), Status> {
    let mut object = object.take();
    let mut problems: Vec<String> = Vec::new();
    match expected.schema {
        Some(schema) if expected.custom => {
            let unknown = crate::custom::prune(&mut object, schema);
            problems.extend(unknown.iter().map(|path| decode::unknown_field(path)));
        }
        Some(schema) => {
            let unknown =
                decode::conform(&mut object, schema).map_err(|e| decode::refused(expected.gvk, e))?;
            problems.extend(unknown);
        }
        None => {}
    }
    problems.extend(duplicates.iter().map(|path| decode::duplicate_field(path)));
    match validation {
        FieldValidation::Strict if !problems.is_empty() => {
            Err(decode::refused_strictly(expected.gvk, &problems))
        }
        FieldValidation::Warn => Ok((object, problems)),
        FieldValidation::Strict | FieldValidation::Ignore => Ok((object, Vec::new())),
    }
}

/// The media type of a Content-Type header, without parameters.
pub fn media_type(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or("").trim()
}

/// Whether this version of a kind is taken though another is served: old clients evict with it.
fn says_the_same(gvk: &GroupVersionKind, version: &str) -> bool {
    gvk.kind == "Eviction" && version == "policy/v1beta1"
}

fn check_kind(object: &mut Document, expected: &Expected<'_>) -> Result<(), Status> {
    let gvk = expected.gvk;
    if object.as_object().is_none() {
        return Err(unrecognized(expected, "json: cannot unmarshal value into Go value of type map", b""));
    }
    let (kind, version) = (object.str_at(&["kind"]).to_owned(), object.str_at(&["apiVersion"]).to_owned());
    let wanted = gvk.api_version();
    if !version.is_empty() && version != wanted && !says_the_same(gvk, &version) {
        let why = format!(
            "the API version in the data ({version}) does not match the expected API version ({wanted})"
        );
        return Err(Status::bad_request(why));
    }
    if !kind.is_empty() && kind != gvk.kind {
        let why = format!(
            "{kind} in version {:?} cannot be handled as a {}: converting ({}.{kind}) to ({}.{}): unknown conversion",
            gvk.version, gvk.kind, gvk.version, gvk.version, gvk.kind
        );
        return Err(Status::bad_request(why));
    }
    if kind.is_empty() || version != wanted {
        object.set_gvk(gvk);
    }
    Ok(())
}

fn unrecognized(expected: &Expected<'_>, why: impl std::fmt::Display, bytes: &[u8]) -> Status {
    const SHOWN: usize = 30;
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)]).into_owned();
    let summary = if bytes.len() > SHOWN { format!("{shown} ...") } else { shown };
    let kind = &expected.gvk.kind;
    let message =
        format!("the object provided is unrecognized (must be of type {kind}): {why} ({summary:?})");
    Status::bad_request(message)
}
