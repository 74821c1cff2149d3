//! Looks for a line: chips by label, lines by name or, where a chip names none, by place.

use std::fs;
use std::path::PathBuf;

use gpiocdev::Chip;

/// Why a line is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Absent {
    #[error("no GPIO chip bears a label of [gpiochip] in the board file: is the adapter plugged in?")]
    NoChip,
    #[error("no GPIO chip can be opened: on a device the udev rules hand them to the guard")]
    Denied,
    #[error("its chip has no such line: `gpioinfo` prints their names")]
    NoLine,
    #[error("several lines bear its name: name the one chip in [gpiochip]")]
    Several,
    #[error("the line at this place is called \"{0}\": write that")]
    HasName(String),
    #[error("\"{0}\" uses it")]
    Busy(String),
    #[error("its chip refuses it as the board file describes it ({0}). No interrupts? Then `interrupts = false`")]
    Refused(String),
    #[error("its chip has gone")]
    Lost,
    #[error("the kernel cannot wait for it")]
    NoMemory,
}

/// A line that is there.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) chip: PathBuf,
    pub(super) place: u32,
    /// Who uses it already.
    pub(super) user: Option<String>,
}

/// The chips that bear one of the labels.
///
/// # Errors
/// When there is none, and why.
pub(super) fn chips(labels: &[String]) -> Result<Vec<Chip>, Absent> {
    let entries = fs::read_dir("/dev").map_err(|_| Absent::Denied)?;
    let paths = entries.flatten().map(|entry| entry.path());
    let mut paths: Vec<_> = paths.filter(|path| path.to_string_lossy().starts_with("/dev/gpiochip")).collect();
    paths.sort();
    let opened: Vec<_> = paths.iter().filter_map(|path| Chip::from_path(path).ok()).collect();
    if opened.is_empty() && !paths.is_empty() {
        return Err(Absent::Denied);
    }
    let wanted = |chip: &Chip| chip.info().is_ok_and(|info| labels.contains(&info.label));
    let chips: Vec<_> = opened.into_iter().filter(wanted).collect();
    if chips.is_empty() { Err(Absent::NoChip) } else { Ok(chips) }
}

/// The one line of that name.
///
/// # Errors
/// When there is none, or more than one.
pub(super) fn find(chips: &Result<Vec<Chip>, Absent>, name: &str) -> Result<Found, Absent> {
    let chips = chips.as_ref().map_err(Clone::clone)?;
    let mut found = Vec::new();
    for chip in chips {
        let lines = chip.line_info_iter().map_err(|_| Absent::Lost)?.flatten();
        for line in lines.filter(|line| subrosa_board::place(name).map_or(line.name == name, |at| line.offset == at)) {
            if !line.name.is_empty() && line.name != name {
                return Err(Absent::HasName(line.name));
            }
            let user = line.used.then(|| if line.consumer.is_empty() { "another".to_owned() } else { line.consumer });
            found.push(Found { chip: chip.path().to_owned(), place: line.offset, user });
        }
    }
    let line = found.pop().ok_or(Absent::NoLine)?;
    if found.is_empty() { Ok(line) } else { Err(Absent::Several) }
}
