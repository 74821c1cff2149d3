//! One capture node: its identity and its permission.
//!
//! The node is held by a descriptor that opens nothing (`O_PATH`): neither does the driver notice, nor can a name
//! that is moved about make the guard change the permission of something else.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode as Bits, OFlags, Stat, chmod, fstat, getxattr_query, open};
use rustix::io::Errno;
use subrosa_process::users::Users;

use crate::machine::{Mode, Permission};

/// What a node's owner, group and mode must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    owner: u32,
    /// `None`: it does not matter, the group's bits are off.
    group: Option<u32>,
    granted: Bits,
}

/// The guard reads, which watching a node takes; media cannot open it.
const CLOSED: Bits = Bits::RUSR;

impl Rights {
    /// The group's bits are media's door: 0400 closed, 0460 granted. Under one user the owner's bits are:
    /// 0400 closed (media opens for writing too), 0600 granted.
    #[must_use]
    pub fn of(users: &Users, one_user: bool) -> Self {
        let owner = users.guard.uid;
        if one_user {
            Rights { owner, group: None, granted: CLOSED.union(Bits::WUSR) }
        } else {
            let granted = CLOSED.union(Bits::RGRP).union(Bits::WGRP);
            Rights { owner, group: Some(users.media.gid), granted }
        }
    }

    fn bits(&self, mode: Mode) -> Bits {
        match mode {
            Mode::Closed => CLOSED,
            Mode::Granted => self.granted,
        }
    }
}

/// A node, whatever it is called now.
#[derive(Debug)]
pub struct NodeFile {
    descriptor: OwnedFd,
    stat: Stat,
    left: Option<Bits>,
}

/// What makes a node this one and not another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
    special: u64,
}

impl Identity {
    fn of(stat: &Stat) -> Self {
        Identity { device: stat.st_dev, inode: stat.st_ino, special: stat.st_rdev }
    }

    /// What is at this path now; `None` when nothing that can be a node is.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        rustix::fs::lstat(path).ok().filter(is_node).map(|stat| Identity::of(&stat))
    }
}

/// A device, or a simulated one.
fn is_node(stat: &Stat) -> bool {
    matches!(FileType::from_raw_mode(stat.st_mode), FileType::CharacterDevice | FileType::RegularFile)
}

impl NodeFile {
    /// Takes hold of the node at a path, without opening the device.
    ///
    /// # Errors
    /// When nothing is there, or a link, a folder, a pipe.
    pub fn hold(path: &Path) -> io::Result<Self> {
        let descriptor = open(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Bits::empty())?;
        let stat = fstat(&descriptor)?;
        if is_node(&stat) { Ok(NodeFile { descriptor, stat, left: None }) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    /// What makes it this node.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity::of(&self.stat)
    }

    /// Major and minor number of a device; `None` for a simulated node.
    #[must_use]
    pub fn device_number(&self) -> Option<(u32, u32)> {
        let number = self.stat.st_rdev;
        (FileType::from_raw_mode(self.stat.st_mode) == FileType::CharacterDevice)
            .then(|| (rustix::fs::major(number), rustix::fs::minor(number)))
    }

    /// A path that leads to this node whatever its name is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.descriptor.as_raw_fd()))
    }

    /// Sets the permission, checks everything that belongs to it and says what was found.
    pub fn set(&mut self, mode: Mode, rights: &Rights) -> Permission {
        let wanted = rights.bits(mode);
        let Ok(found) = fstat(&self.descriptor) else {
            return Permission::Wrong;
        };
        let bits = Bits::from_raw_mode(found.st_mode);
        let strange = found.st_uid != rights.owner
            || rights.group.is_some_and(|group| found.st_gid != group)
            || self.has_access_list();
        // Also where it is of no use: whatever can still be closed is closed. Never granted, though.
        if bits != wanted && (!strange || mode == Mode::Closed) && chmod(self.path(), wanted).is_err() {
            return Permission::Wrong;
        }
        let now = fstat(&self.descriptor).map(|stat| Bits::from_raw_mode(stat.st_mode));
        if strange || now != Ok(wanted) {
            return Permission::Wrong;
        }
        match self.left.replace(wanted) {
            // Closing what was granted is all that udev does (it goes by its rules), and harms nobody.
            Some(left) if bits != left && (bits != CLOSED || wanted != CLOSED) => Permission::Repaired,
            _ => Permission::Right,
        }
    }

    /// With an access list the group's bits are its mask: they would open the node to somebody else than media.
    fn has_access_list(&self) -> bool {
        !matches!(
            getxattr_query(self.path(), "system.posix_acl_access"),
            Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOSYS)
        )
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    fn node() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node");
        fs::write(&path, "").unwrap();
        (folder, path)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn p1_the_modes_are_those_that_were_measured() {
        let users = Users { media: subrosa_process::users::User { uid: 7, gid: 8 }, ..Users::one() };
        let (separate, one) = (Rights::of(&users, false), Rights::of(&users, true));
        assert_eq!(separate.bits(Mode::Closed), Bits::from_raw_mode(0o400));
        assert_eq!(separate.bits(Mode::Granted), Bits::from_raw_mode(0o460));
        assert_eq!(separate.group, Some(8));
        assert_eq!(one.bits(Mode::Closed), Bits::from_raw_mode(0o400));
        assert_eq!(one.bits(Mode::Granted), Bits::from_raw_mode(0o600));
    }

    #[test]
    fn p1_a_permission_is_set_and_what_others_did_to_it_is_told() {
        let (_folder, path) = node();
        let rights = Rights::of(&Users::one(), true);
        let mut file = NodeFile::hold(&path).unwrap();
        assert_eq!((file.set(Mode::Closed, &rights), mode(&path)), (Permission::Right, 0o400));
        assert_eq!((file.set(Mode::Closed, &rights), mode(&path)), (Permission::Right, 0o400));
        assert_eq!((file.set(Mode::Granted, &rights), mode(&path)), (Permission::Right, 0o600));
        assert_eq!((file.set(Mode::Closed, &rights), mode(&path)), (Permission::Right, 0o400));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!((file.set(Mode::Closed, &rights), mode(&path)), (Permission::Repaired, 0o400));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(file.set(Mode::Granted, &rights), Permission::Repaired, "somebody granted it before the guard did");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert_eq!((file.set(Mode::Granted, &rights), mode(&path)), (Permission::Repaired, 0o600), "udev, R6");
    }

    #[test]
    fn p1_a_node_of_somebody_else_is_never_granted() {
        let (_folder, path) = node();
        let mut users = Users::one();
        users.guard.uid += 1;
        let rights = Rights::of(&users, true);
        let mut file = NodeFile::hold(&path).unwrap();
        assert_eq!(file.set(Mode::Granted, &rights), Permission::Wrong);
        assert_ne!(mode(&path), 0o600);
        assert_eq!(file.set(Mode::Closed, &rights), Permission::Wrong);
    }

    #[test]
    fn p1_an_access_list_spoils_a_node() {
        let (_folder, path) = node();
        // version 2; user::rw-, user:1:rw-, group::r--, mask::rw-, other::---
        let entries: [(u16, u16, u32); 5] =
            [(1, 6, u32::MAX), (2, 6, 1), (4, 4, u32::MAX), (16, 6, u32::MAX), (32, 0, u32::MAX)];
        let mut list = 2_u32.to_le_bytes().to_vec();
        for (tag, bits, id) in entries {
            list.extend(tag.to_le_bytes());
            list.extend(bits.to_le_bytes());
            list.extend(id.to_le_bytes());
        }
        let set = rustix::fs::setxattr(&path, "system.posix_acl_access", &list, rustix::fs::XattrFlags::empty());
        if set == Err(Errno::OPNOTSUPP) {
            assert!(std::env::var_os("CI").is_none(), "the temporary folder has no access lists");
            eprintln!("SKIPPED: the temporary folder has no access lists");
            return;
        }
        set.unwrap();
        let mut file = NodeFile::hold(&path).unwrap();
        assert_eq!(file.set(Mode::Granted, &Rights::of(&Users::one(), true)), Permission::Wrong);
    }

    #[test]
    fn a_moved_name_does_not_move_the_guards_hand() {
        let (folder, path) = node();
        let mut file = NodeFile::hold(&path).unwrap();
        let identity = file.identity();
        let elsewhere = folder.path().join("elsewhere");
        fs::rename(&path, &elsewhere).unwrap();
        fs::write(&path, "").unwrap();
        let before = mode(&path);
        file.set(Mode::Closed, &Rights::of(&Users::one(), true));
        assert_eq!((mode(&elsewhere), mode(&path)), (0o400, before));
        assert_eq!(Identity::at(&elsewhere), Some(identity));
        assert_ne!(Identity::at(&path), Some(identity));
    }

    #[test]
    fn links_and_folders_are_no_nodes() {
        let (folder, path) = node();
        let link = folder.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(NodeFile::hold(&link).is_err() && Identity::at(&link).is_none());
        assert!(NodeFile::hold(folder.path()).is_err() && Identity::at(folder.path()).is_none());
        assert!(NodeFile::hold(&folder.path().join("missing")).is_err());
    }
}
