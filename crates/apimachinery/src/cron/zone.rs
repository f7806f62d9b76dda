//! Time zones by name.

use jiff::tz::TimeZone;

/// The zone of a name of the IANA database, `UTC` (also the empty name), or `Local` for the machine's own.
///
/// # Errors
/// What is wrong with the name, in the words of Go's library.
pub fn load(name: &str) -> Result<TimeZone, String> {
    if name.contains("..") || name.starts_with(['/', '\\']) {
        return Err("time: invalid location name".to_owned());
    }
    match name {
        "" | "UTC" => return Ok(TimeZone::UTC),
        "Local" => return Ok(TimeZone::system()),
        _ => {}
    }
    // Names are told apart by their case, as files are.
    let found = TimeZone::get(name).ok().filter(|zone| zone.iana_name() == Some(name));
    found.ok_or_else(|| format!("unknown time zone {name}"))
}
