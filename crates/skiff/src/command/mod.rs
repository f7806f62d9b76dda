//! The command line: one file per command.
//!
//! To add a command: a file here with a clap `Args` struct and a `run` function, and a line in [`Command`].

mod cleanup;
mod config_file;
mod flags;
mod image;
mod kube_apiserver;
mod kube_controller_manager;
mod kube_proxy;
mod kube_scheduler;
mod kubelet;
mod server;
mod version;

use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::process::ExitCode;

/// Kubernetes, whole, in one binary.
#[derive(Parser)]
#[command(name = "skiff", version = version::SKIFF, args_override_self = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a cluster: control plane and node in one process
    Server(Box<server::Args>),
    /// Run the API server alone, on an etcd cluster
    KubeApiserver(Box<kube_apiserver::Args>),
    /// Run the controllers alone
    KubeControllerManager(Box<kube_controller_manager::Args>),
    /// Run the scheduler alone
    KubeScheduler(Box<kube_scheduler::Args>),
    /// Run the node agent alone, with its container runtime and pod network
    Kubelet(Box<kubelet::Args>),
    /// Run the Service proxy of a node alone
    KubeProxy(Box<kube_proxy::Args>),
    /// Manage the images of a node
    Image(image::Args),
    /// Remove what a data directory owns: pods, network, rules, mounts
    Cleanup(cleanup::Args),
    /// Show the version
    Version,
}

/// Parses the command line and runs the command.
pub(crate) fn main() -> ExitCode {
    let outcome = match parse(std::env::args_os().collect()) {
        Ok(cli) => match cli.command {
            Command::Server(args) => server::run(*args),
            Command::KubeApiserver(args) => kube_apiserver::run(*args),
            Command::KubeControllerManager(args) => kube_controller_manager::run(*args),
            Command::KubeScheduler(args) => kube_scheduler::run(*args),
            Command::Kubelet(args) => kubelet::run(*args),
            Command::KubeProxy(args) => kube_proxy::run(*args),
            Command::Image(args) => image::run(args),
            Command::Cleanup(args) => cleanup::run(&args),
            Command::Version => version::run(),
        },
        Err(refusal) => return refusal.tell(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("skiff: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Why a command line is not run.
enum Refusal {
    /// Help or version was asked for.
    Shown(clap::Error),
    /// It is wrong.
    Wrong(String),
}

impl Refusal {
    fn tell(self) -> ExitCode {
        match self {
            Self::Shown(text) => {
                // Nothing can be done if even the help cannot be printed.
                drop(text.print());
                ExitCode::SUCCESS
            }
            Self::Wrong(line) => {
                eprintln!("skiff: {line}");
                ExitCode::FAILURE
            }
        }
    }
}

fn parse(arguments: Vec<OsString>) -> Result<Cli, Refusal> {
    let arguments = config_file::expand(arguments).map_err(|e| Refusal::Wrong(format!("{e:#}")))?;
    Cli::try_parse_from(arguments).map_err(|error| {
        use clap::error::ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
        match error.kind() {
            DisplayHelp | DisplayVersion | DisplayHelpOnMissingArgumentOrSubcommand => Refusal::Shown(error),
            _ => Refusal::Wrong(one_line(&error.to_string())),
        }
    })
}

/// The first line of clap's explanation, with the list or the hint that follows it if there is one.
fn one_line(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    let mut first = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    if first.ends_with(':') {
        let mut separator = " ";
        while let Some(item) = lines.next_if(|line| line.starts_with("--")) {
            first.push_str(separator);
            first.push_str(item);
            separator = ", ";
        }
    }
    match lines.find(|line| line.starts_with("tip:")) {
        Some(tip) => format!("{first} ({})", tip.trim_start_matches("tip: ")),
        None => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(arguments: &[&str]) -> String {
        match parse(arguments.iter().map(OsString::from).collect()) {
            Err(Refusal::Wrong(line)) => line,
            Err(Refusal::Shown(_)) => "shown".to_owned(),
            Ok(_) => "parsed".to_owned(),
        }
    }

    #[test]
    fn a_wrong_flag_is_told_in_one_line() {
        let line = refusal(&["skiff", "server", "--https-listen-prot", "1"]);
        assert!(line.contains("--https-listen-prot") && !line.contains('\n'), "{line}");
        assert_eq!(refusal(&["skiff", "server", "--help"]), "shown");
        let line = refusal(&["skiff", "kubelet"]);
        assert_eq!(line, "the following required arguments were not provided: --kubeconfig <FILE>");
    }

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
