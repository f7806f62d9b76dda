//! A container's main process: command, environment, directory, user. The image gives what the kubelet leaves out.

use super::create::Ingredients;
use crate::error::{Outcome, RuntimeError};
use crate::layout::Layout;
use crate::passwd::{Accounts, Wanted};
use skiff_cri::v1::SupplementalGroupsPolicy;
use skiff_shim::protocol::spec::{CapabilitySpec, ProcessSpec};

/// Where programs are looked for when neither image nor pod says it.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The process, not yet confined.
pub fn process(layout: &Layout, ingredients: &Ingredients<'_>) -> Outcome<ProcessSpec> {
    let &Ingredients { config, image, security, resources, .. } = ingredients;
    let defaults = image.config.defaults();
    let layers: Vec<_> = image.layers.iter().rev().map(|key| layout.layers().join(key)).collect();
    let accounts = Accounts::of_image(&layers);
    let wanted = Wanted {
        uid: security.run_as_user.as_ref().map(|value| value.value),
        name: Some(security.run_as_username.clone()).filter(|name| !name.is_empty()),
        gid: security.run_as_group.as_ref().map(|value| value.value),
        image_user: defaults.user.clone(),
        supplemental: security.supplemental_groups.clone(),
        with_image_groups: security.supplemental_groups_policy() == SupplementalGroupsPolicy::Merge,
    };
    let identity = accounts.resolve(&wanted)?;
    let mut env = Environment::default();
    env.set("PATH", DEFAULT_PATH);
    env.set("HOSTNAME", &ingredients.sandbox.hostname());
    if config.tty {
        env.set("TERM", "xterm");
    }
    for entry in defaults.env.iter().flatten() {
        env.set_entry(entry);
    }
    for variable in &config.envs {
        env.set(&variable.key, &variable.value);
    }
    env.set_if_missing("HOME", &identity.home);
    let cwd = [config.working_dir.as_str(), &defaults.working_dir, "/"];
    Ok(ProcessSpec {
        args: command(&config.command, &config.args, defaults.entrypoint, defaults.cmd)?,
        env: env.entries,
        cwd: cwd.into_iter().find(|path| !path.is_empty()).unwrap_or("/").to_owned(),
        user: identity.user,
        capabilities: CapabilitySpec::default(),
        no_new_privs: false,
        seccomp: None,
        oom_score_adj: i32::try_from(resources.oom_score_adj).unwrap_or(0).clamp(-1000, 1000),
        terminal: config.tty,
    })
}

/// Kubernetes' rule: a command replaces the image's entry point and its arguments, arguments alone only the latter.
fn command(
    command: &[String],
    args: &[String],
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
) -> Outcome<Vec<String>> {
    let first = if command.is_empty() { entrypoint.unwrap_or_default() } else { command.to_vec() };
    let second = if args.is_empty() && command.is_empty() { cmd.unwrap_or_default() } else { args.to_vec() };
    let whole = [first, second].concat();
    if whole.is_empty() {
        return Err(RuntimeError::Invalid("no command specified".to_owned()));
    }
    Ok(whole)
}

/// Environment variables in order of their first setting, the last value of each.
#[derive(Default)]
struct Environment {
    entries: Vec<String>,
}

impl Environment {
    fn set(&mut self, name: &str, value: &str) {
        self.set_entry(&format!("{name}={value}"));
    }

    fn set_entry(&mut self, entry: &str) {
        let name = entry.split('=').next().unwrap_or_default();
        match self.position(name) {
            Some(position) => self.entries[position] = entry.to_owned(),
            None => self.entries.push(entry.to_owned()),
        }
    }

    fn set_if_missing(&mut self, name: &str, value: &str) {
        if self.position(name).is_none() {
            self.set(name, value);
        }
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.split('=').next() == Some(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn command_and_arguments_replace_the_images_like_kubernetes_says() {
        let image = || (Some(words("/entry -a")), Some(words("cmd")));
        for (given_command, given_args, expected) in
            [("", "", "/entry -a cmd"), ("", "x", "/entry -a x"), ("sh", "", "sh"), ("sh", "-c x", "sh -c x")]
        {
            let (entrypoint, cmd) = image();
            let whole = command(&words(given_command), &words(given_args), entrypoint, cmd).unwrap();
            assert_eq!(whole, words(expected));
        }
        assert!(command(&[], &[], None, None).is_err());
    }

    #[test]
    fn the_last_value_of_a_variable_counts() {
        let mut env = Environment::default();
        env.set("PATH", "/a");
        env.set_entry("PATH=/b=c");
        env.set_if_missing("PATH", "/d");
        env.set_if_missing("HOME", "/");
        assert_eq!(env.entries, ["PATH=/b=c", "HOME=/"]);
    }
}
