//! The four kinds of patch: JSON patch, merge patch, strategic merge patch, server-side apply.
//!
//! A patch edits the object in the version that was asked for, or the view that a subresource is; the result is fitted to
//! its kind like any body, and stored through the same loop as PUT.

use super::managed::{self, Managers};
use super::subresources::View;
use super::unfit::{arrange, unfit};
use super::{Context, Edit, Target};
use crate::convert;
use crate::request::decode::{Body, Expected, fit, media_type};
use crate::request::options::{FieldValidation, WriteOptions};
use skiff_api::strategy::UpdateScope;
use skiff_apimachinery::managed::{misfits, undeclared_field, untyped};
use skiff_apimachinery::patch;
use skiff_apimachinery::{
    Document, FieldError, FieldPath, GroupKind, GroupVersionKind, Map, Status, decode, json, yaml,
};

/// Which kind of patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchKind {
    /// RFC 6902.
    Json,
    /// RFC 7386.
    Merge,
    /// Strategic merge patch.
    Strategic,
    /// Server-side apply.
    Apply,
}

const MEDIA_TYPES: [(&str, PatchKind); 4] = [
    ("application/json-patch+json", PatchKind::Json),
    ("application/merge-patch+json", PatchKind::Merge),
    ("application/strategic-merge-patch+json", PatchKind::Strategic),
    ("application/apply-patch+yaml", PatchKind::Apply),
];

/// A patch's body.
pub struct PatchBody {
    document: Document,
    duplicates: Vec<String>,
}

impl PatchKind {
    /// The kind that the body's media type names, and the decoded body.
    ///
    /// # Errors
    /// 400 or 415.
    pub fn of(body: Body, custom: bool) -> Result<(Self, PatchBody), Status> {
        let content_type = match &body {
            Body::Bytes { content_type, .. } => media_type(content_type).to_owned(),
            Body::Document { content_type, .. } => (*content_type).to_owned(),
            Body::Empty => String::new(),
        };
        let offered = || MEDIA_TYPES.iter().filter(|(_, kind)| !custom || *kind != Self::Strategic);
        let Some((_, kind)) = offered().find(|(media, _)| *media == content_type) else {
            let types: Vec<&str> = offered().map(|(media, _)| *media).collect();
            return Err(Status::unsupported_media_type(&types.join(", ")));
        };
        let (document, duplicates) = match body {
            Body::Document { document, .. } => (document, Vec::new()),
            Body::Empty => return Err(Status::bad_request("the body of the patch is empty")),
            Body::Bytes { bytes, .. } if *kind == Self::Apply => {
                let malformed =
                    |why: &dyn std::fmt::Display| Status::bad_request(format!("error decoding YAML: {why}"));
                let text = std::str::from_utf8(&bytes).map_err(|e| malformed(&e))?;
                yaml::decode_reporting(text).map_err(|e| malformed(&e))?
            }
            Body::Bytes { bytes, .. } => json::decode_reporting(&bytes)
                .map_err(|e| Status::bad_request(format!("error decoding patch: {e}")))?,
        };
        Ok((*kind, PatchBody { document, duplicates }))
    }
}

/// A patch of an object or of a view of it.
pub struct Patch {
    target: Target,
    view: Option<&'static dyn View>,
    /// What is edited: the row's kind, or the view's.
    gvk: GroupVersionKind,
    kind: PatchKind,
    body: PatchBody,
    validation: FieldValidation,
    force: bool,
}

impl Patch {
    /// A patch of what the target names.
    ///
    /// # Errors
    /// 400 if an applied configuration is of another kind.
    pub fn new(
        target: &Target,
        view: Option<&'static dyn View>,
        kind: PatchKind,
        body: PatchBody,
        options: &WriteOptions,
    ) -> Result<Self, Status> {
        let partial = view.is_some_and(|view| !view.is_whole());
        let gvk = match target.row.subresource(&target.subresource) {
            Some(subresource) if partial => subresource.gvk.clone(),
            _ => target.row.gvk.clone(),
        };
        if kind == PatchKind::Apply {
            check_configuration(&body.document, &gvk, target)?;
        }
        Ok(Self {
            target: target.clone(),
            view,
            gvk,
            kind,
            body,
            validation: options.field_validation,
            force: options.force,
        })
    }

    /// The view that is patched, if it is not the object itself.
    fn partial(&self) -> Option<&'static dyn View> {
        self.view.filter(|view| !view.is_whole())
    }

    /// The edited document, before it is fitted to its kind.
    fn patched(&self, current: &Document) -> Result<Document, Status> {
        let mut edited = current.clone();
        let patch = &self.body.document;
        match self.kind {
            PatchKind::Json => patch::apply_json_patch(&mut edited, patch)?,
            PatchKind::Merge | PatchKind::Apply => {
                patch::apply_merge_patch(&mut edited, patch);
            }
            PatchKind::Strategic => {
                let schema = skiff_api::schemas::lookup_kind(&self.gvk)
                    .ok_or_else(|| Status::unsupported_media_type("application/merge-patch+json"))?;
                patch::apply_strategic_merge_patch(&mut edited, patch, schema.get())?;
            }
        }
        Ok(edited)
    }

    /// The edited document made to fit its kind, as a body of that kind would be.
    fn fitted(&self, context: &mut Context, current: &Document) -> Result<Document, Status> {
        let schema = if self.gvk == self.target.row.gvk {
            self.target.row.schema.clone()
        } else {
            skiff_api::schemas::lookup_kind(&self.gvk)
        };
        let expected = Expected {
            gvk: &self.gvk,
            schema: schema.as_ref().map(|schema| schema.get()),
            custom: self.target.row.custom && self.partial().is_none(),
        };
        let duplicates = self.body.duplicates.clone();
        let mut edited = self.patched(current)?;
        let (object, mut problems) = fit(&mut edited, duplicates, &expected, FieldValidation::Warn)
            .map_err(|status| self.unfit(current, &status.message))?;
        arrange(self.kind, &mut problems);
        match self.validation {
            FieldValidation::Strict if !problems.is_empty() => {
                return Err(self.unfit(current, &decode::strict_text(&problems)));
            }
            FieldValidation::Warn => context.warnings.extend(problems),
            FieldValidation::Strict | FieldValidation::Ignore => {}
        }
        Ok(object)
    }

    /// 422 as upstream tells that the patched object does not decode.
    fn unfit(&self, current: &Document, why: &str) -> Status {
        match self.patched(current) {
            Ok(patched) => unfit(self.kind, &self.gvk, &self.body.document, &patched, why),
            Err(status) => status,
        }
    }

    /// The applied configuration made to fit. What its kind does not have is refused, whatever the client says of field
    /// validation.
    fn declared(&self, context: &mut Context) -> Result<Document, Status> {
        let row = &self.target.row;
        let schema = row.schema.as_ref().map(|schema| schema.get());
        let expected = Expected { gvk: &self.gvk, schema, custom: row.custom };
        let sent = &self.body.document;
        let misfits = misfits(sent, schema);
        if !misfits.is_empty() {
            return Err(untyped(sent, &misfits).into());
        }
        let (mut config, problems) = fit(&mut sent.clone(), Vec::new(), &expected, FieldValidation::Warn)
            .map_err(|status| unfit(self.kind, &self.gvk, sent, sent, &status.message))?;
        let path = |problem: &String| {
            problem.strip_prefix("unknown field \"")?.strip_suffix('"').map(undeclared_field)
        };
        let undeclared: Vec<String> = problems.iter().filter_map(path).collect();
        if !undeclared.is_empty() {
            return Err(untyped(sent, &undeclared).into());
        }
        keep_what_was_sent(&mut config, sent);
        context.warnings.extend(problems);
        Ok(config)
    }

    /// Keys that the body of an apply has twice; the last one counted.
    fn tell_duplicates(&self, context: &mut Context) -> Result<(), Status> {
        if self.body.duplicates.is_empty() {
            return Ok(());
        }
        let lines = self.body.duplicates.join("\n  ");
        let text = format!("error converting YAML to JSON: yaml: unmarshal errors:\n  {lines}");
        match self.validation {
            FieldValidation::Strict => {
                Err(Status::bad_request(format!("error strict decoding YAML: {text}")))
            }
            FieldValidation::Warn => {
                context.warnings.push(text);
                Ok(())
            }
            FieldValidation::Ignore => Ok(()),
        }
    }

    fn apply_configuration(
        &self,
        context: &mut Context,
        live: Option<&Document>,
    ) -> Result<Document, Status> {
        let target = &self.target;
        let config = match self.partial() {
            // A Scale sets one field of the object.
            Some(view) => {
                let mut bare = Document::object();
                bare.set_gvk(&target.row.gvk);
                bare.set(&["metadata", "name"], target.name.as_str());
                let mut config = view.replace(&target.row, &bare, &self.body.document)?;
                config.remove(&["metadata", "resourceVersion"]);
                config
            }
            None => self.declared(context)?,
        };
        let live = live.map(|live| convert::from_hub(&target.row, &target.hub, live.clone()));
        let applied = managed::apply(context, target, live.as_ref(), &config, self.force)?;
        self.tell_duplicates(context)?;
        Ok(convert::to_hub(&target.row, &target.hub, applied))
    }
}

impl Edit for Patch {
    fn apply(&self, context: &mut Context, old: &Document) -> Result<Document, Status> {
        let target = &self.target;
        if self.kind == PatchKind::Apply {
            return self.apply_configuration(context, Some(old));
        }
        if let Some(view) = self.partial() {
            let sent = self.fitted(context, &view.show(&target.hub, old)?)?;
            return view.replace(&target.hub, old, &sent);
        }
        let current = convert::from_hub(&target.row, &target.hub, old.clone());
        let fitted = self.fitted(context, &current)?;
        let object = convert::to_hub(&target.row, &target.hub, fitted);
        match self.view {
            Some(view) => view.replace(&target.hub, old, &object),
            None => Ok(object),
        }
    }

    fn create(&self, context: &mut Context) -> Result<Option<Document>, Status> {
        if self.kind != PatchKind::Apply || self.view.is_some() {
            return Ok(None);
        }
        let mut object = self.apply_configuration(context, None)?;
        object.set(&["metadata", "name"], self.target.name.as_str());
        Ok(Some(object))
    }

    fn scope(&self) -> Option<UpdateScope> {
        self.view.map_or(Some(UpdateScope::Main), |view| view.scope())
    }

    fn managers(&self) -> Managers {
        if self.kind == PatchKind::Apply { Managers::Given } else { Managers::Track }
    }
}

/// Makes what was fitted say what was sent: who applies owns what they say, also if upstream's types would leave it out
/// (`paused: false`), and not what those always write.
fn keep_what_was_sent(fitted: &mut Document, sent: &Document) {
    if let Some(map) = fitted.as_object_mut() {
        map.retain(|key, value| {
            let said = sent.get(key);
            if let Some(said) = said {
                keep_what_was_sent(value, said);
            }
            said.is_some()
        });
        for (key, said) in sent.as_object().into_iter().flat_map(Map::iter) {
            if !said.is_null() && !map.contains_key(key) {
                map.insert(key, said.clone());
            }
        }
    } else if let (Some(list), Some(said)) = (fitted.as_array_mut(), sent.as_array()) {
        list.iter_mut().zip(said).for_each(|(element, said)| keep_what_was_sent(element, said));
    }
}

/// An applied configuration must say what it is and agree with the URL.
fn check_configuration(config: &Document, gvk: &GroupVersionKind, target: &Target) -> Result<(), Status> {
    let (kind, version) = (config.str_at(&["kind"]), config.str_at(&["apiVersion"]));
    if kind.is_empty() || version.is_empty() {
        let what = if kind.is_empty() { "kind" } else { "apiVersion" };
        return Err(Status::bad_request(format!("error decoding YAML: Object '{what}' is missing")));
    }
    if version != gvk.api_version() || kind != gvk.kind {
        let found = GroupVersionKind::parse(version, kind).unwrap_or_default();
        return Err(Status::bad_request(format!(
            "incorrect object type specified: actual {found}, expected {gvk}"
        )));
    }
    if !config.array_at(&["metadata", "managedFields"]).is_empty() {
        return Err(Status::bad_request("metadata.managedFields must be nil"));
    }
    let name = config.name();
    if !name.is_empty() && name != target.name {
        let url = &target.name;
        return Err(Status::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({url})"
        )));
    }
    Ok(())
}

/// 422: apply needs to know who applies.
pub fn manager_required() -> Status {
    let error = FieldError::required(&FieldPath::new("fieldManager"), "is required for apply patch");
    Status::invalid(&GroupKind::new("meta.k8s.io", "PatchOptions"), "", &vec![error])
}
