//! The memory of another process, searched from outside by root (P6).
//!
//! The promise is about what a person typed or was told, so texts are looked for as they are: UTF-8, in any mapping that
//! the process can write. Pixels of a name on the screen are not found this way.

use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// Read at once. Some pages of a mapping cannot be read, and take only this much with them.
const STEP: usize = 1 << 20;
/// Mappings beyond this are address space that an allocator has put aside, and not memory.
const LARGEST: u64 = 1 << 30;

/// How often each of the texts is in the writable memory of a process.
///
/// # Panics
/// When the process is gone, or is not ours to read.
#[must_use]
#[track_caller]
pub fn count(pid: u32, wanted: &[&str]) -> Vec<usize> {
    let mut found = vec![0; wanted.len()];
    let longest = wanted.iter().map(|text| text.len()).max().unwrap_or(0);
    each_piece(pid, longest.saturating_sub(1), |piece, new| {
        for (text, count) in wanted.iter().zip(&mut found) {
            // What lies wholly in the repeated beginning was counted with the piece before.
            *count += places(piece, text.as_bytes()).filter(|at| at + text.len() > new).count();
        }
    });
    found
}

/// The text of so many bytes that follows `before` somewhere in the memory of a process, if `is` accepts it.
///
/// # Panics
/// When the process is gone, or is not ours to read.
#[must_use]
#[track_caller]
pub fn after(pid: u32, before: &str, length: usize, is: impl Fn(char) -> bool) -> Option<String> {
    let mut found = None;
    each_piece(pid, before.len() + length - 1, |piece, _| {
        for at in places(piece, before.as_bytes()) {
            let text = piece.get(at + before.len()..).and_then(|rest| rest.get(..length));
            let text = text.and_then(|text| str::from_utf8(text).ok());
            let text = text.filter(|text| text.chars().all(&is)).map(str::to_owned);
            found = found.take().or(text);
        }
    });
    found
}

/// Gives the memory out piece by piece. Each begins with the last `overlap` bytes of the one before where that is next
/// to it; the number says how many those are.
#[track_caller]
fn each_piece(pid: u32, overlap: usize, mut look: impl FnMut(&[u8], usize)) {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).expect("root reads maps");
    let memory = File::open(format!("/proc/{pid}/mem")).expect("root reads memory");
    let mut read_at_all = 0;
    for line in maps.lines() {
        let mut fields = line.split(' ');
        let (Some(range), Some(rights)) = (fields.next(), fields.next()) else { continue };
        let Some((from, to)) = range.split_once('-') else { continue };
        let (Ok(from), Ok(to)) = (u64::from_str_radix(from, 16), u64::from_str_radix(to, 16)) else { continue };
        if !rights.starts_with("rw") || to - from > LARGEST {
            continue;
        }
        pieces(
            from..to,
            STEP,
            overlap,
            |piece, at| memory.read_at(piece, at).unwrap_or(0),
            |piece, repeated| {
                read_at_all += piece.len();
                look(piece, repeated);
            },
        );
    }
    assert!(read_at_all > 0, "no memory of process {pid} could be read");
}

/// Reads a range in steps.
fn pieces(
    range: Range<u64>,
    step: usize,
    overlap: usize,
    read: impl Fn(&mut [u8], u64) -> usize,
    mut look: impl FnMut(&[u8], usize),
) {
    let mut at = range.start;
    let mut piece: Vec<u8> = Vec::new();
    while at < range.end {
        let length = step.min((range.end - at) as usize);
        piece.drain(..piece.len().saturating_sub(overlap));
        let repeated = piece.len();
        piece.resize(repeated + length, 0);
        let length = match read(&mut piece[repeated..], at) {
            0 => {
                piece.clear();
                length
            }
            length => {
                piece.truncate(repeated + length);
                look(&piece, repeated);
                length
            }
        };
        at += length as u64;
    }
}

/// Where a text is in some bytes.
fn places<'a>(bytes: &'a [u8], wanted: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = from + find(bytes.get(from..)?, wanted)?;
        from = at + 1;
        Some(at)
    })
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    if wanted.is_empty() {
        return None;
    }
    // SAFETY: both are valid for as many bytes as they are long, and neither is written to.
    let at = unsafe { libc::memmem(bytes.as_ptr().cast(), bytes.len(), wanted.as_ptr().cast(), wanted.len()) };
    (!at.is_null()).then(|| at as usize - bytes.as_ptr() as usize)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn what_a_process_holds_is_found_and_nothing_else() {
        let mut child = Command::new("cat")
            .env("HELD", "professional-engineering0123456789abcdef>")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let pid = child.id();
        crate::stage::eventually("the program has begun", std::time::Duration::from_secs(5), || {
            (count(pid, &["professional-engineering"]) == [1]).then_some(())
        });
        assert_eq!(count(pid, &["professional-engineering", "HELD=", "amateur-engineering", ""]), [1, 1, 0, 0]);
        let digits = |is: fn(char) -> bool| after(pid, "professional-engineering", 16, is);
        assert_eq!(digits(|c| c.is_ascii_hexdigit()).as_deref(), Some("0123456789abcdef"));
        assert_eq!(digits(|c| c.is_ascii_uppercase()), None);
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[test]
    fn a_text_across_two_pieces_is_counted_once() {
        let text: Vec<u8> = b"..rose..roserose.ros.e.rose".to_vec();
        for step in 1..=text.len() {
            let mut found = 0;
            let read = |piece: &mut [u8], at: u64| {
                piece.copy_from_slice(&text[at as usize..at as usize + piece.len()]);
                piece.len()
            };
            pieces(0..text.len() as u64, step, 3, read, |piece, repeated| {
                found += places(piece, b"rose").filter(|at| at + 4 > repeated).count();
            });
            assert_eq!(found, 4, "in steps of {step}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_passed_over() {
        let read = |piece: &mut [u8], at: u64| {
            piece.fill(b'x');
            if at == 4 { 0 } else { piece.len() }
        };
        let mut seen = Vec::new();
        pieces(0..12, 4, 2, read, |piece, repeated| seen.push((piece.len(), repeated)));
        assert_eq!(seen, [(4, 0), (4, 0)], "nothing is joined across the gap");
    }
}
