//! In which form the client wants the answer: media type and shape, from the Accept header.

use super::Query;
use skiff_apimachinery::{FieldError, FieldPath, Status};

/// How bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Media {
    /// `application/json`.
    Json,
    /// `application/json`, indented.
    PrettyJson,
    /// `application/yaml`.
    Yaml,
    /// `application/vnd.kubernetes.protobuf`.
    Protobuf,
}

impl Media {
    /// The Content-Type of a whole answer.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json | Self::PrettyJson => "application/json",
            Self::Yaml => "application/yaml",
            Self::Protobuf => "application/vnd.kubernetes.protobuf",
        }
    }

    /// The Content-Type of a watch.
    pub fn stream_content_type(self) -> &'static str {
        match self {
            Self::Json | Self::PrettyJson => "application/json",
            Self::Yaml => "application/yaml;stream=watch",
            Self::Protobuf => "application/vnd.kubernetes.protobuf;stream=watch",
        }
    }
}

/// What is shown of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Shape {
    /// All of it.
    #[default]
    Object,
    /// `meta.k8s.io/v1 Table`.
    Table,
    /// `meta.k8s.io/v1 PartialObjectMetadata`.
    Metadata,
    /// `meta.k8s.io/v1 PartialObjectMetadataList`, asked for on single lists.
    MetadataList,
}

/// What the client accepts and we can produce, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Accepted {
    /// How bytes are written.
    pub media: Media,
    /// What is shown.
    pub shape: Shape,
}

/// What a resource can be answered in.
#[derive(Debug, Clone, Copy)]
pub struct Offer {
    /// Protobuf can be written.
    pub protobuf: bool,
    /// Table and metadata shapes exist.
    pub shapes: bool,
}

impl Accepted {
    /// JSON of whole objects.
    pub const JSON: Self = Self { media: Media::Json, shape: Shape::Object };

    /// Picks the first clause of the Accept header that can be served.
    ///
    /// # Errors
    /// 406 if none can.
    pub fn negotiate(accept: &str, user_agent: &str, query: &Query, offer: Offer) -> Result<Self, Status> {
        let mut clauses: Vec<Clause<'_>> = accept.split(',').filter_map(Clause::parse).collect();
        // A stable sort keeps the client's order among equal qualities.
        clauses.sort_by(|a, b| b.quality.total_cmp(&a.quality));
        let found = if accept.trim().is_empty() {
            Some(Self::JSON)
        } else {
            clauses.iter().find_map(|clause| clause.serve(offer))
        };
        let mut found = found.ok_or_else(|| Status::not_acceptable(&offer.media_types()))?;
        if found.media == Media::Json && wants_pretty(user_agent, query) {
            found.media = Media::PrettyJson;
        }
        Ok(found)
    }
}

impl Offer {
    fn media_types(self) -> String {
        let mut types = vec!["application/json", "application/yaml"];
        if self.protobuf {
            types.push("application/vnd.kubernetes.protobuf");
        }
        types.join(", ")
    }
}

struct Clause<'a> {
    media: &'a str,
    kind: &'a str,
    group: &'a str,
    version: &'a str,
    quality: f32,
}

impl<'a> Clause<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let media = parts.next().filter(|media| !media.is_empty())?;
        let mut clause = Self { media, kind: "", group: "", version: "", quality: 1.0 };
        for parameter in parts {
            match parameter.split_once('=') {
                Some(("as", value)) => clause.kind = value,
                Some(("g", value)) => clause.group = value,
                Some(("v", value)) => clause.version = value,
                Some(("q", value)) => clause.quality = value.parse().unwrap_or(1.0),
                _ => {}
            }
        }
        Some(clause)
    }

    fn serve(&self, offer: Offer) -> Option<Accepted> {
        let media = match self.media {
            "application/json" | "*/*" | "application/*" => Media::Json,
            "application/yaml" => Media::Yaml,
            "application/vnd.kubernetes.protobuf" if offer.protobuf => Media::Protobuf,
            _ => return None,
        };
        let is_meta = self.group == "meta.k8s.io" && matches!(self.version, "v1" | "v1beta1");
        let shape = match self.kind {
            "" => Shape::Object,
            "Table" if is_meta && offer.shapes => Shape::Table,
            "PartialObjectMetadata" if is_meta && offer.shapes => Shape::Metadata,
            "PartialObjectMetadataList" if is_meta && offer.shapes => Shape::MetadataList,
            _ => return None,
        };
        Some(Accepted { media, shape })
    }
}

/// `pretty` decides; without it, browsers and command lines that people read from get indented text.
fn wants_pretty(user_agent: &str, query: &Query) -> bool {
    if query.contains("pretty") {
        return query.flag("pretty");
    }
    ["Mozilla", "curl", "Wget"].iter().any(|agent| user_agent.starts_with(agent))
}

/// What `includeObject` asks Table rows to carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum IncludeObject {
    /// Nothing.
    None,
    /// Metadata.
    #[default]
    Metadata,
    /// The whole object.
    Object,
}

impl IncludeObject {
    /// Reads the query.
    ///
    /// # Errors
    /// 400 for an unknown value.
    pub fn parse(query: &Query) -> Result<Self, Status> {
        match query.get("includeObject") {
            "" | "Metadata" => Ok(Self::Metadata),
            "None" => Ok(Self::None),
            "Object" => Ok(Self::Object),
            other => {
                let why = "must be 'Metadata', 'Object', 'None', or empty";
                let error = FieldError::invalid(&FieldPath::new("includeObject"), other, why);
                let why = format!("Unable to convert to Table as requested: {error}");
                Err(Status::bad_request(why))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Offer = Offer { protobuf: true, shapes: true };

    fn pick(accept: &str, offer: Offer) -> Option<(Media, Shape)> {
        Accepted::negotiate(accept, "", &Query::default(), offer).ok().map(|a| (a.media, a.shape))
    }

    #[test]
    fn kubectl_gets_a_table_and_falls_back_to_json() {
        let accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        assert_eq!(pick(accept, ALL), Some((Media::Json, Shape::Table)));
        let no_tables = Offer { protobuf: true, shapes: false };
        assert_eq!(pick(accept, no_tables), Some((Media::Json, Shape::Object)));
    }

    #[test]
    fn quality_orders_clauses() {
        assert_eq!(pick("application/json;q=0.5, application/yaml", ALL), Some((Media::Yaml, Shape::Object)));
    }

    #[test]
    fn what_cannot_be_produced_is_not_acceptable() {
        assert_eq!(pick("text/html", ALL), None);
        let custom = Offer { protobuf: false, shapes: true };
        assert_eq!(pick("application/vnd.kubernetes.protobuf", custom), None);
        assert_eq!(
            pick("application/vnd.kubernetes.protobuf, application/json", custom),
            Some((Media::Json, Shape::Object))
        );
    }
}
