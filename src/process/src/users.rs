//! Looking up the users that the processes run as.

use std::fs;

/// A user and its primary group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
}

/// Why a user was not found.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// `/etc/passwd` cannot be read.
    #[error("/etc/passwd cannot be read")]
    Passwd(#[from] std::io::Error),
    /// No such user.
    #[error("there is no user {0}: `make setup` creates the users of the processes")]
    Unknown(String),
}

impl User {
    /// The user of this process.
    #[must_use]
    pub fn of_this_process() -> Self {
        User { uid: rustix::process::geteuid().as_raw(), gid: rustix::process::getegid().as_raw() }
    }

    /// Finds a user by name in `/etc/passwd`; the users of the processes are always local ones.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn by_name(name: &str) -> Result<Self, UserError> {
        let passwd = fs::read_to_string("/etc/passwd")?;
        find(&passwd, name).ok_or_else(|| UserError::Unknown(name.to_owned()))
    }
}

/// The users of all processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Users {
    /// `subrosa-guard`.
    pub guard: User,
    /// `subrosa-media`.
    pub media: User,
    /// `subrosa`.
    pub room: User,
    /// `subrosa-sim`.
    pub sim: User,
    /// Whoever may ask the processes how they are: root, or the one user of all.
    pub doctor: User,
}

const ROOT: User = User { uid: 0, gid: 0 };

impl Users {
    /// All processes run as the user of this one.
    #[must_use]
    pub fn one() -> Self {
        let me = User::of_this_process();
        Users { guard: me, media: me, room: me, sim: me, doctor: me }
    }

    /// Each process has a user of its own.
    ///
    /// # Errors
    /// When a user does not exist. A device has no `subrosa-sim`; root stands for it.
    pub fn separate() -> Result<Self, UserError> {
        Ok(Users {
            guard: User::by_name("subrosa-guard")?,
            media: User::by_name("subrosa-media")?,
            room: User::by_name("subrosa")?,
            sim: User::by_name("subrosa-sim").unwrap_or(ROOT),
            doctor: ROOT,
        })
    }

    /// [`Users::one`] or [`Users::separate`], as the flag `--one-user` says.
    ///
    /// # Errors
    /// As for [`Users::separate`].
    pub fn find(one_user: bool) -> Result<Self, UserError> {
        if one_user { Ok(Users::one()) } else { Users::separate() }
    }
}

fn find(passwd: &str, name: &str) -> Option<User> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next()? == name;
        let _password = fields.next()?;
        let uid = fields.next()?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        found.then_some(User { uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_exact_name() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nbroken\nsubrosa:x:990:991::/:/bin/false\n";
        assert_eq!(find(passwd, "subrosa"), Some(User { uid: 990, gid: 991 }));
        assert_eq!(find(passwd, "subros"), None);
        assert_eq!(find(passwd, "broken"), None);
    }
}
