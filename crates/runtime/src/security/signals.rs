//! Signal names of image configurations.

const SIGTERM: i32 = 15;

const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];
const FIRST_REALTIME: i32 = 34;
const LAST_REALTIME: i32 = 64;

/// The signal that asks a container to stop: a name, with or without `SIG`, or a number; else SIGTERM.
pub fn stop_signal(text: Option<&str>) -> i32 {
    text.and_then(parse).unwrap_or(SIGTERM)
}

fn parse(text: &str) -> Option<i32> {
    if let Ok(number) = text.parse() {
        return (1..=LAST_REALTIME).contains(&number).then_some(number);
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let offset = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<i32>().ok() };
    if let Some(rest) = name.strip_prefix("RTMIN") {
        return Some(FIRST_REALTIME + offset(rest.trim_start_matches('+'))?)
            .filter(|signal| *signal <= LAST_REALTIME);
    }
    if let Some(rest) = name.strip_prefix("RTMAX") {
        return Some(LAST_REALTIME - offset(rest.trim_start_matches('-'))?)
            .filter(|signal| *signal >= FIRST_REALTIME);
    }
    let position = NAMES.iter().position(|known| *known == name)?;
    i32::try_from(position + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_understood() {
        for (text, signal) in [
            ("SIGQUIT", 3),
            ("int", 2),
            ("9", 9),
            ("SIGRTMIN+3", 37),
            ("RTMAX-1", 63),
            ("SIGSYS", 31),
            ("nonsense", 15),
        ] {
            assert_eq!(stop_signal(Some(text)), signal, "{text}");
        }
        assert_eq!(stop_signal(None), 15);
    }
}
