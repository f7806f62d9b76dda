//! Options of create, update and patch, and what they share with deletions.

use super::super::Query;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, GroupKind, Status};

/// Options of create, update and patch.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// Nothing is stored.
    pub dry_run: bool,
    /// Who manages the written fields; empty for the user agent.
    pub field_manager: String,
    /// What happens to unknown and duplicate fields.
    pub field_validation: FieldValidation,
    /// Apply takes fields over from other managers.
    pub force: bool,
    /// Whether `force` was given at all.
    pub force_given: bool,
}

/// What happens to unknown and duplicate fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FieldValidation {
    /// They are dropped silently.
    Ignore,
    /// They are dropped with a warning.
    #[default]
    Warn,
    /// They fail the request.
    Strict,
}

impl WriteOptions {
    /// Reads and checks the query; `kind` is `CreateOptions`, `UpdateOptions` or `PatchOptions`.
    ///
    /// # Errors
    /// 422 with upstream's text.
    pub fn parse(query: &Query, kind: &'static str) -> Result<Self, Status> {
        let mut errors = FieldErrors::new();
        let field_manager = query.get("fieldManager").to_owned();
        check_field_manager(&field_manager, &mut errors);
        let dry_run = parse_dry_run(&query.all("dryRun").collect::<Vec<_>>(), &mut errors);
        let field_validation = match query.get("fieldValidation") {
            "" | "Warn" => FieldValidation::Warn,
            "Ignore" => FieldValidation::Ignore,
            "Strict" => FieldValidation::Strict,
            other => {
                let field = FieldPath::new("fieldValidation");
                errors.push(FieldError::not_supported(&field, other, &["", "Ignore", "Strict", "Warn"]));
                FieldValidation::Warn
            }
        };
        if !errors.is_empty() {
            return Err(Status::invalid(&GroupKind::new("meta.k8s.io", kind), "", &errors));
        }
        let force_given = query.contains("force");
        Ok(Self { dry_run, field_manager, field_validation, force: query.flag("force"), force_given })
    }
}

/// Whether nothing is to be stored.
pub(super) fn parse_dry_run(values: &[&str], errors: &mut FieldErrors) -> bool {
    if values.iter().any(|value| *value != "All") {
        let field = FieldPath::new("dryRun");
        errors.push(FieldError::not_supported(&field, Document::from(values.to_vec()), &["All"]));
    }
    !values.is_empty()
}

fn check_field_manager(manager: &str, errors: &mut FieldErrors) {
    const MAX_LENGTH: usize = 128;
    let field = FieldPath::new("fieldManager");
    if manager.len() > MAX_LENGTH {
        errors.push(FieldError::too_long(&field, MAX_LENGTH));
    }
    for (at, unprintable) in manager.char_indices().filter(|(_, c)| !is_printable(*c)) {
        let why = format!("invalid character U+{:04X} (at position {at})", u32::from(unprintable));
        errors.push(FieldError::invalid(&field, manager, why));
    }
}

/// Whether a character leaves a trace: of spaces only the plain one does.
fn is_printable(character: char) -> bool {
    let invisible = matches!(
        character,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    );
    character == ' ' || !(character.is_control() || character.is_whitespace() || invisible)
}
