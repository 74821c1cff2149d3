//! What the person at the terminal of `subrosa run` reads. It never goes to a log (P9).

use std::io;
use std::os::fd::AsFd;

use zeroize::Zeroizing;

use crate::screen::view::{CodeView, Invitation};

/// Standard output, if somebody reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// Somebody does: `subrosa run` was called.
    Read,
    /// Nobody does: under systemd it would end in the journal.
    Unread,
}

impl Terminal {
    /// Says how to get in.
    pub fn invite(self, invitation: &Invitation, fingerprint: &str) {
        self.print(&Zeroizing::new(format!(
            "\nThe room is awake.\n  Link:        {}\n  PIN:         {}\n  Fingerprint: {fingerprint}\n\n",
            invitation.link.reveal(),
            invitation.pin.reveal(),
        )));
    }

    /// Says how a phone is paired.
    pub fn pair(self, code: &CodeView) {
        self.print(&Zeroizing::new(format!(
            "\nA phone can be paired for a minute.\n  Remote:      {}\n  Code:        {}\n\n",
            code.link.reveal(),
            code.code.reveal(),
        )));
    }

    /// Says that the meeting is over.
    pub fn asleep(self) {
        self.print("The room is asleep.\n");
    }

    /// Writes to the descriptor itself: the buffer of `std::io::Stdout` would keep the PIN (P6).
    fn print(self, text: &str) {
        match self {
            Terminal::Unread => {}
            Terminal::Read => {
                let out = io::stdout();
                let mut rest = text.as_bytes();
                while let Ok(written) = rustix::io::write(out.as_fd(), rest) {
                    rest = rest.get(written..).unwrap_or_default();
                    if rest.is_empty() || written == 0 {
                        break;
                    }
                }
            }
        }
    }
}
