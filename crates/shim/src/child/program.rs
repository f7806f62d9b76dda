//! Finds the program and becomes it.

use crate::fault::{Doing, Fault, Outcome};
use crate::sys;
use rustix::fs::{Access, AtFlags, CWD, FileType};
use rustix::io::Errno;
use skiff_shim::protocol::spec::ProcessSpec;
use std::ffi::CString;

/// Becomes the program; returns why that failed.
pub fn run(spec: &ProcessSpec) -> Fault {
    match attempt(spec) {
        Ok(fault) | Err(fault) => fault,
    }
}

fn attempt(spec: &ProcessSpec) -> Outcome<Fault> {
    let name = spec.args.first().ok_or_else(|| Fault::new("no command specified"))?;
    let path = find(name, &spec.env)?;
    let (program, args, env) = (c_string(&path)?, c_strings(&spec.args)?, c_strings(&spec.env)?);
    let errno = sys::execute(&program, &args, &env);
    Err::<Fault, Errno>(errno).doing(format_args!("exec {path}"))
}

/// The path of a program, looked up in PATH if its name has no slash.
fn find(name: &str, env: &[String]) -> Outcome<String> {
    if name.contains('/') {
        return match check(name) {
            Ok(()) => Ok(name.to_owned()),
            Err(Errno::NOENT) => {
                Err(Fault(format!("exec: {name:?}: stat {name}: no such file or directory")))
            }
            Err(errno) => Err(errno).doing(format_args!("exec: {name:?}")),
        };
    }
    let path = env.iter().find_map(|entry| entry.strip_prefix("PATH=")).unwrap_or_default();
    let mut denied = false;
    for folder in path.split(':') {
        let candidate = format!("{}/{name}", if folder.is_empty() { "." } else { folder });
        match check(&candidate) {
            Ok(()) => return Ok(candidate),
            Err(Errno::ACCESS) => denied = true,
            Err(_) => {}
        }
    }
    Err(Fault(if denied {
        format!("exec: {name:?}: permission denied")
    } else {
        format!("exec: {name:?}: executable file not found in $PATH")
    }))
}

fn check(path: &str) -> rustix::io::Result<()> {
    let stat = rustix::fs::stat(path)?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        return Err(Errno::ACCESS);
    }
    rustix::fs::accessat(CWD, path, Access::EXEC_OK, AtFlags::empty())
}

fn c_strings(strings: &[String]) -> Outcome<Vec<CString>> {
    strings.iter().map(|string| c_string(string)).collect()
}

fn c_string(string: &str) -> Outcome<CString> {
    CString::new(string).map_err(|_| Fault::new("argument or variable with a zero byte"))
}
