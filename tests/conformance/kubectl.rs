//! Every kubectl on the machine, run as upstream's tests run theirs.

use crate::harness::Api;
use skiff_testkit::Kubectl as Program;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// One kubectl, in the test's namespace and with a home of its own.
pub struct Kubectl<'a> {
    api: &'a Api,
    program: &'a Program,
    home: TempDir,
}

/// Runs a test with every kubectl, all at once.
pub fn with_each(api: &Api, test: impl Fn(&Kubectl<'_>) + Sync) {
    let programs = Program::all();
    std::thread::scope(|scope| {
        for program in &programs {
            let test = &test;
            scope.spawn(move || test(&Kubectl { api, program, home: tempfile::tempdir().unwrap() }));
        }
    });
}

impl Kubectl<'_> {
    /// A name that no other kubectl uses.
    pub fn named(&self, name: &str) -> String {
        format!("{name}-{}", self.program.minor())
    }

    /// The minor version.
    pub fn minor(&self) -> u32 {
        self.program.minor()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program.path());
        command
            .arg(format!("--kubeconfig={}", self.api.kubeconfig().display()))
            .arg(format!("--namespace={}", self.api.namespace))
            .args(arguments)
            .env("HOME", self.home.path())
            .env_remove("KUBECONFIG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// What it prints, or what it complains about and with which exit code, given an input.
    pub fn try_run(&self, input: &str, arguments: &[&str]) -> Result<String, (i32, String)> {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        // one that reads no input may be over before it is written
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            return Ok(text(&output.stdout));
        }
        let code = output.status.code().unwrap_or(-1);
        Err((code, format!("{}{}", text(&output.stdout), text(&output.stderr))))
    }

    /// What it prints, given an input.
    #[track_caller]
    pub fn run_with(&self, input: &str, arguments: &[&str]) -> String {
        self.try_run(input, arguments).unwrap_or_else(|(code, error)| {
            panic!("kubectl 1.{} {}: {code}: {error}", self.minor(), arguments.join(" "))
        })
    }

    /// What it prints.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> String {
        self.run_with("", arguments)
    }

    /// What it complains about, given an input.
    #[track_caller]
    pub fn refused(&self, input: &str, arguments: &[&str]) -> String {
        match self.try_run(input, arguments) {
            Ok(text) => panic!("kubectl 1.{} {}: not refused: {text}", self.minor(), arguments.join(" ")),
            Err((_, error)) => error,
        }
    }

    /// A kubectl that runs until it is dropped; its standard output is a pipe.
    pub fn start(&self, arguments: &[&str]) -> Running {
        Running(self.command(arguments).stderr(Stdio::inherit()).spawn().unwrap())
    }
}

/// A running program that ends when dropped.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
