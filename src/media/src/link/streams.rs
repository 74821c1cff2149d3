//! Whose a stream is: pure.
//!
//! webrtcbin gives a stream to a line by what it knew when the first packet came, which is nothing where the packet
//! outran the description, and it never changes its mind (measured with 1.22). So the SSRC on the wire decides: it is the
//! line in whose description it stands. Until one names it, a stream is held; a bridge's probing is named by a line that
//! carries nobody, and is held for ever.

use std::collections::BTreeMap;

use subrosa_messages::media::{Codec, Mid};

/// A line as the newest description has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its name.
    pub mid: Mid,
    /// What it carries.
    pub codec: Codec,
    /// What it may carry as well.
    pub or: Option<Codec>,
    /// The SSRCs that may carry it, without those of retransmissions.
    pub ssrcs: Vec<u32>,
}

/// A stream that came out of webrtcbin. The same SSRC with another codec is another stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// Its name here; larger than those of all before it.
    pub id: u64,
    /// Its SSRC (RFC 3550, section 5.1).
    pub ssrc: u32,
    /// What it carries.
    pub codec: Codec,
    /// The line that webrtcbin takes it for.
    pub guess: Option<Mid>,
}

/// What has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The line carries this stream from now on, whatever it carried before.
    Begin(Mid, u64),
    /// The line carries nothing any more.
    End(Mid),
}

/// All streams of a link, and the lines they belong to.
#[derive(Clone, Debug, Default)]
pub struct Streams {
    lines: Vec<Described>,
    arrived: Vec<Arrived>,
    carried: BTreeMap<Mid, u64>,
    by_ssrc: bool,
}

impl Streams {
    /// A description has come. `by_ssrc`: what no line names is nobody's; otherwise it belongs to the line that webrtcbin takes it
    /// for, if that names none.
    pub fn described(&mut self, lines: Vec<Described>, by_ssrc: bool) -> Vec<Change> {
        self.lines = lines;
        self.by_ssrc |= by_ssrc;
        self.settle()
    }

    /// The first packet of a stream has come.
    pub fn arrived(&mut self, stream: Arrived) -> Vec<Change> {
        self.arrived.push(stream);
        self.settle()
    }

    /// A stream has gone.
    pub fn gone(&mut self, id: u64) -> Vec<Change> {
        self.arrived.retain(|stream| stream.id != id);
        self.settle()
    }

    /// Whether a line carries this stream.
    #[must_use]
    pub fn is_carried(&self, id: u64) -> bool {
        self.carried.values().any(|carried| *carried == id)
    }

    fn settle(&mut self) -> Vec<Change> {
        let mut now: BTreeMap<Mid, u64> = BTreeMap::new();
        for stream in &self.arrived {
            // Streams are in the order in which they came: the newest of a line is the one.
            if let Some(line) = self.line_of(stream) {
                now.insert(line.mid.clone(), stream.id);
            }
        }
        let ended = self.carried.keys().filter(|mid| !now.contains_key(*mid)).cloned().map(Change::End);
        let begun = now.iter().filter(|(mid, id)| self.carried.get(*mid) != Some(*id));
        let begun = begun.map(|(mid, id)| Change::Begin(mid.clone(), *id));
        let changes = ended.chain(begun).collect();
        self.carried = now;
        changes
    }

    fn line_of(&self, stream: &Arrived) -> Option<&Described> {
        let fits = |line: &&Described| line.codec == stream.codec || line.or == Some(stream.codec);
        let mut lines = self.lines.iter();
        if self.by_ssrc {
            // The first line that names it, even if that is another codec's: it is nobody else's.
            lines.find(|line| line.ssrcs.contains(&stream.ssrc)).filter(fits)
        } else {
            // Answers may name none, and then webrtcbin's guess has to do; where two lines carry the same codec it is often wrong.
            let named = self.lines.iter().find(|line| line.ssrcs.contains(&stream.ssrc));
            let guessed = lines.find(|line| Some(&line.mid) == stream.guess.as_ref());
            named.or(guessed.filter(|line| line.ssrcs.is_empty())).filter(fits)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(mid: &str, codec: Codec, ssrcs: &[u32]) -> Described {
        Described { mid: Mid(mid.into()), codec, or: None, ssrcs: ssrcs.to_vec() }
    }

    fn stream(id: u64, ssrc: u32, codec: Codec, guess: &str) -> Arrived {
        Arrived { id, ssrc, codec, guess: Some(Mid(guess.into())) }
    }

    fn begin(mid: &str, id: u64) -> Change {
        Change::Begin(Mid(mid.into()), id)
    }

    fn end(mid: &str) -> Change {
        Change::End(Mid(mid.into()))
    }

    const VP8: Codec = Codec::Vp8;

    #[test]
    fn the_ssrc_decides_and_not_the_line_that_webrtcbin_takes_it_for() {
        let mut streams = Streams::default();
        assert!(streams.described(vec![line("a", VP8, &[1]), line("b", VP8, &[2])], true).is_empty());
        assert_eq!(streams.arrived(stream(1, 2, VP8, "a")), [begin("b", 1)]);
        assert_eq!(streams.arrived(stream(2, 1, VP8, "b")), [begin("a", 2)]);
        assert!(streams.is_carried(1) && streams.is_carried(2));
    }

    #[test]
    fn in_an_answer_that_names_some_the_names_decide_and_for_the_rest_the_guess() {
        let mut streams = Streams::default();
        streams.described(vec![line("guest-video", VP8, &[]), line("guest-screen", VP8, &[])], false);
        streams.described(vec![line("guest-video", VP8, &[1]), line("guest-screen", VP8, &[2])], false);
        assert_eq!(streams.arrived(stream(1, 2, VP8, "guest-video")), [begin("guest-screen", 1)]);
        assert_eq!(streams.arrived(stream(2, 1, VP8, "guest-screen")), [begin("guest-video", 2)]);
        assert!(streams.arrived(stream(3, 3, VP8, "guest-video")).is_empty(), "a third one takes nobody's place");
        let mut streams = Streams::default();
        streams.described(vec![line("guest-video", VP8, &[]), line("guest-screen", VP8, &[2])], false);
        assert_eq!(streams.arrived(stream(1, 7, VP8, "guest-video")), [begin("guest-video", 1)]);
    }

    #[test]
    fn what_no_description_names_is_held_until_one_does() {
        let mut streams = Streams::default();
        // A line for nobody: nothing that comes is anybody's.
        assert!(streams.described(vec![], true).is_empty());
        assert!(streams.arrived(stream(1, 7, VP8, "a")).is_empty());
        assert!(!streams.is_carried(1));
        assert_eq!(streams.described(vec![line("a", VP8, &[7])], true), [begin("a", 1)]);
        assert!(streams.described(vec![line("a", VP8, &[7])], true).is_empty(), "said once");
    }

    #[test]
    fn lines_that_are_closed_swapped_and_used_again() {
        let mut streams = Streams::default();
        let (one, two) = (stream(1, 11, VP8, "a"), stream(2, 12, VP8, "a"));
        streams.described(vec![line("a", VP8, &[11]), line("b", VP8, &[12])], true);
        assert_eq!([streams.arrived(one), streams.arrived(two)].concat(), [begin("a", 1), begin("b", 2)]);
        let swapped = vec![line("a", VP8, &[12]), line("b", VP8, &[11])];
        assert_eq!(streams.described(swapped, true), [begin("a", 2), begin("b", 1)]);
        assert_eq!(streams.described(vec![line("b", VP8, &[11])], true), [end("a")]);
        assert!(!streams.is_carried(2));
        assert!(streams.described(vec![line("a", VP8, &[13]), line("b", VP8, &[11])], true).is_empty());
        assert_eq!(streams.arrived(stream(3, 13, VP8, "a")), [begin("a", 3)]);
        assert_eq!(streams.gone(3), [end("a")]);
    }

    #[test]
    fn a_stream_that_comes_as_another_codec_waits_for_a_line_of_that_codec() {
        let mut streams = Streams::default();
        streams.described(vec![line("a", VP8, &[1])], true);
        streams.arrived(stream(1, 1, VP8, "a"));
        assert!(streams.arrived(stream(2, 1, Codec::H264, "a")).is_empty(), "the line goes on as it was");
        let moved = vec![line("b", Codec::H264, &[1])];
        assert_eq!(streams.described(moved, true), [end("a"), begin("b", 2)]);
    }

    #[test]
    fn a_slot_takes_either_codec() {
        let mut streams = Streams::default();
        let slot = |ssrcs: &[u32]| vec![Described { or: Some(Codec::H264), ..line("slot", VP8, ssrcs) }];
        streams.described(slot(&[1]), true);
        assert_eq!(streams.arrived(stream(1, 1, VP8, "slot")), [begin("slot", 1)]);
        assert!(streams.arrived(stream(2, 2, Codec::H264, "slot")).is_empty(), "not named yet");
        assert_eq!(streams.described(slot(&[2]), true), [begin("slot", 2)]);
        assert!(streams.arrived(stream(3, 2, Codec::Opus, "slot")).is_empty());
    }

    #[test]
    fn without_any_ssrc_in_a_description_the_guess_has_to_do() {
        let mut streams = Streams::default();
        streams.described(vec![line("a", VP8, &[]), line("b", Codec::Opus, &[])], false);
        assert_eq!(streams.arrived(stream(1, 5, VP8, "a")), [begin("a", 1)]);
        assert!(streams.arrived(stream(2, 6, VP8, "b")).is_empty(), "not its codec");
        assert!(streams.arrived(stream(3, 7, VP8, "c")).is_empty(), "no such line");
        assert_eq!(streams.described(vec![line("a", VP8, &[9])], true), [end("a")], "once named, always by name");
    }

    proptest! {
        #[test]
        fn no_order_of_packets_and_descriptions_puts_a_stream_where_it_is_not_named(
            steps in prop::collection::vec((0_u8..3, 1_u32..6, 0_usize..4, any::<bool>()), 1..60),
        ) {
            let mut streams = Streams::default();
            let mut told: BTreeMap<Mid, u64> = BTreeMap::new();
            let mut came: Vec<(u64, u32, Codec)> = Vec::new();
            let mut lines: Vec<Described> = Vec::new();
            streams.described(Vec::new(), true);
            for (n, (what, ssrc, place, vp8)) in steps.into_iter().enumerate() {
                let codec = if vp8 { VP8 } else { Codec::H264 };
                let changes = match what {
                    0 => {
                        let id = n as u64 + 1;
                        came.push((id, ssrc, codec));
                        streams.arrived(Arrived { id, ssrc, codec, guess: None })
                    }
                    1 => {
                        let name = format!("line-{place}");
                        lines.retain(|line| line.mid.0 != name);
                        lines.push(line(&name, codec, &[ssrc]));
                        streams.described(lines.clone(), true)
                    }
                    _ => {
                        let gone = if came.is_empty() { 0 } else { came.remove(place % came.len()).0 };
                        streams.gone(gone)
                    }
                };
                for change in changes {
                    match change {
                        Change::Begin(mid, id) => drop(told.insert(mid, id)),
                        Change::End(mid) => prop_assert!(told.remove(&mid).is_some()),
                    }
                }
                for (mid, id) in &told {
                    let line = lines.iter().find(|line| line.mid == *mid);
                    let stream = came.iter().find(|(known, ..)| known == id);
                    let (Some(line), Some((_, ssrc, codec))) = (line, stream) else {
                        return Err(TestCaseError::fail("a line or a stream that is gone"));
                    };
                    prop_assert!(line.ssrcs.contains(ssrc) && line.codec == *codec && streams.is_carried(*id));
                }
                let mut ids: Vec<u64> = told.values().copied().collect();
                ids.sort_unstable();
                ids.dedup();
                prop_assert_eq!(ids.len(), told.len(), "a stream is on one line only");
            }
        }
    }
}
