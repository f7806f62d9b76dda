//! Users and groups of an image: names to numbers, home directories, memberships.

use crate::error::{Outcome, RuntimeError};
use rustix::fs::{Mode, OFlags, ResolveFlags};
use skiff_shim::protocol::spec::UserSpec;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The files are read so far.
const MAX_BYTES: u64 = 1 << 20;

/// What /etc/passwd and /etc/group of an image say.
#[derive(Debug, Default)]
pub struct Accounts {
    users: Vec<User>,
    groups: Vec<Group>,
}

/// Who a container is to run as, as it was asked for.
#[derive(Debug, Default)]
pub struct Wanted {
    /// User id.
    pub uid: Option<i64>,
    /// User name; `uid` goes before it.
    pub name: Option<String>,
    /// Group id.
    pub gid: Option<i64>,
    /// `user[:group]` of the image, if neither id nor name is given.
    pub image_user: String,
    /// Further groups.
    pub supplemental: Vec<i64>,
    /// Add the groups that the image puts the user into.
    pub with_image_groups: bool,
}

/// Who a container runs as.
#[derive(Debug, PartialEq, Eq)]
pub struct Identity {
    /// In numbers.
    pub user: UserSpec,
    /// Home directory.
    pub home: String,
}

#[derive(Debug)]
struct User {
    name: String,
    uid: u32,
    gid: u32,
    home: String,
}

#[derive(Debug)]
struct Group {
    name: String,
    gid: u32,
    members: Vec<String>,
}

impl Accounts {
    /// Of an image with these layers, the topmost first.
    pub fn of_image(layers: &[PathBuf]) -> Self {
        Self::parse(&read(layers, "etc/passwd"), &read(layers, "etc/group"))
    }

    fn parse(passwd: &str, group: &str) -> Self {
        Self {
            users: passwd.lines().filter_map(User::parse).collect(),
            groups: group.lines().filter_map(Group::parse).collect(),
        }
    }

    /// Turns what is wanted into numbers.
    pub fn resolve(&self, wanted: &Wanted) -> Outcome<Identity> {
        let (image_user, image_group) = wanted.image_user.split_once(':').unwrap_or((&wanted.image_user, ""));
        let (given, group) = match (&wanted.uid, &wanted.name) {
            (Some(uid), _) => (uid.to_string(), ""),
            (None, Some(name)) => (name.clone(), ""),
            (None, None) => (image_user.to_owned(), image_group),
        };
        let user = self.user(&given);
        let uid = match (&user, given.as_str()) {
            (Some(user), _) => user.uid,
            (None, "") => 0,
            (None, text) => id(text)?.ok_or_else(|| {
                RuntimeError::Invalid(format!(
                    "unable to find user {text}: no matching entries in passwd file"
                ))
            })?,
        };
        let gid = match (wanted.gid, group) {
            (Some(gid), _) => number(gid)?,
            (None, "") => user.map_or(0, |user| user.gid),
            (None, name) => self.group(name)?,
        };
        let mut groups = vec![gid];
        if wanted.with_image_groups
            && let Some(user) = user
        {
            groups.extend(self.groups.iter().filter(|g| g.members.contains(&user.name)).map(|g| g.gid));
        }
        for group in &wanted.supplemental {
            groups.push(number(*group)?);
        }
        let mut seen = std::collections::BTreeSet::new();
        groups.retain(|group| seen.insert(*group));
        let home = user.map(|user| user.home.clone()).filter(|home| !home.is_empty());
        Ok(Identity { user: UserSpec { uid, gid, groups }, home: home.unwrap_or_else(|| "/".to_owned()) })
    }

    fn user(&self, given: &str) -> Option<&User> {
        let given = if given.is_empty() { "0" } else { given };
        let by_name = self.users.iter().find(|user| user.name == given);
        by_name.or_else(|| self.users.iter().find(|user| given.parse() == Ok(user.uid)))
    }

    fn group(&self, given: &str) -> Outcome<u32> {
        if let Some(group) = self.groups.iter().find(|group| group.name == given) {
            return Ok(group.gid);
        }
        id(given)?.ok_or_else(|| {
            RuntimeError::Invalid(format!("unable to find group {given}: no matching entries in group file"))
        })
    }
}

impl User {
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(':');
        let (name, _, uid, gid) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let home = fields.nth(1).unwrap_or_default();
        Some(Self {
            name: name.to_owned(),
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
            home: home.to_owned(),
        })
    }
}

impl Group {
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(':');
        let (name, _, gid) = (fields.next()?, fields.next()?, fields.next()?);
        let members = fields.next().unwrap_or_default().split(',').map(|member| member.trim().to_owned());
        Some(Self { name: name.to_owned(), gid: gid.parse().ok()?, members: members.collect() })
    }
}

/// A number, if the text is one.
fn id(text: &str) -> Outcome<Option<u32>> {
    match text.parse::<i64>() {
        Ok(value) => number(value).map(Some),
        Err(_) => Ok(None),
    }
}

fn number(value: i64) -> Outcome<u32> {
    u32::try_from(value)
        .ok()
        .filter(|value| *value <= i32::MAX as u32)
        .ok_or_else(|| RuntimeError::Invalid(format!("id {value} is out of range")))
}

/// A file of the topmost layer that has it; links in it are followed inside the layer.
fn read(layers: &[PathBuf], path: &str) -> String {
    for layer in layers {
        if let Some(file) = open(layer, path) {
            let mut bytes = Vec::new();
            // What cannot be read has no users.
            let _ = file.take(MAX_BYTES).read_to_end(&mut bytes);
            return String::from_utf8_lossy(&bytes).into_owned();
        }
    }
    String::new()
}

fn open(layer: &Path, path: &str) -> Option<File> {
    let root =
        rustix::fs::open(layer, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    // A whiteout is a device, which cannot be opened; without blocking, whatever it is.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::fs::openat2(&root, path, flags, Mode::empty(), resolve).ok().map(File::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> Accounts {
        Accounts::parse(
            "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:web:/var/www:/bin/false\nbroken\n",
            "root:x:0:\nweb:x:34:\nadm:x:4:web,other\n",
        )
    }

    fn resolved(wanted: &Wanted) -> (u32, u32, Vec<u32>, String) {
        let identity = accounts().resolve(wanted).unwrap();
        (identity.user.uid, identity.user.gid, identity.user.groups, identity.home)
    }

    #[test]
    fn without_a_wish_it_is_root() {
        assert_eq!(resolved(&Wanted::default()), (0, 0, vec![0], "/root".to_owned()));
    }

    #[test]
    fn the_images_user_is_found_by_name_with_its_groups() {
        let wanted = Wanted { image_user: "web".to_owned(), with_image_groups: true, ..Wanted::default() };
        assert_eq!(resolved(&wanted), (33, 34, vec![34, 4], "/var/www".to_owned()));
        let wanted = Wanted { image_user: "web:adm".to_owned(), ..Wanted::default() };
        assert_eq!(resolved(&wanted), (33, 4, vec![4], "/var/www".to_owned()));
    }

    #[test]
    fn a_wish_goes_before_the_image() {
        let wanted = Wanted {
            uid: Some(1000),
            gid: Some(3000),
            image_user: "web:adm".to_owned(),
            supplemental: vec![2000, 3000],
            with_image_groups: true,
            ..Wanted::default()
        };
        assert_eq!(resolved(&wanted), (1000, 3000, vec![3000, 2000], "/".to_owned()));
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        let wanted = Wanted { image_user: "nobody-here".to_owned(), ..Wanted::default() };
        assert!(accounts().resolve(&wanted).is_err());
    }
}
