//! Who speaks: the one whose voice goes on, not whoever coughs.
//!
//! Media says about three times a second how loud a track is while it is not silent. Whoever is louder than a murmur for
//! more than half a second becomes the speaker, unless somebody is speaking; two at once change places only when the
//! other one is clearly louder, and not more often than every two seconds.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::meeting::guest::GuestId;

/// Louder than so many dB below full scale is speech (RFC 6464 counts downwards).
const MURMUR: u8 = 50;
/// Reports further apart than this are not one utterance.
const PAUSE: Duration = Duration::from_millis(900);
/// An utterance counts after so long.
const UTTERANCE: Duration = Duration::from_millis(600);
/// Whoever has become the speaker stays it for so long while they speak.
const HOLD: Duration = Duration::from_secs(2);
/// Somebody else who speaks at the same time must be louder by so many dB.
const CLEARLY: u8 = 6;
/// After so long without a word nobody is the speaker.
const SILENCE: Duration = Duration::from_secs(5);

/// The machine.
#[derive(Clone, Debug, Default)]
pub struct Speaker {
    voices: BTreeMap<GuestId, Voice>,
    current: Option<(GuestId, Instant)>,
    /// Who spoke last, the newest first.
    order: Vec<GuestId>,
}

#[derive(Clone, Copy, Debug)]
struct Voice {
    since: Instant,
    last: Instant,
    level: u8,
}

impl Speaker {
    /// A track of this guest's was so loud, in dB below full scale.
    pub fn heard(&mut self, now: Instant, guest: GuestId, level: u8) {
        if level > MURMUR {
            return;
        }
        let voice = self.voices.entry(guest).or_insert(Voice { since: now, last: now, level });
        if now.saturating_duration_since(voice.last) > PAUSE {
            voice.since = now;
        }
        voice.last = now;
        // A third of the new: one loud word does not decide.
        voice.level = u8::try_from((u16::from(voice.level) * 2 + u16::from(level)) / 3).unwrap_or(level);
        self.decide(now, guest);
    }

    fn decide(&mut self, now: Instant, guest: GuestId) {
        let Some(voice) = self.voices.get(&guest).copied() else { return };
        if now.saturating_duration_since(voice.since) < UTTERANCE {
            return;
        }
        let takes = match self.current {
            None => true,
            Some((current, _)) if current == guest => false,
            Some((current, since)) => match self.voices.get(&current) {
                Some(other) if now.saturating_duration_since(other.last) <= PAUSE => {
                    let held = now.saturating_duration_since(since) >= HOLD;
                    held && voice.level.saturating_add(CLEARLY) <= other.level
                }
                Some(_) | None => true,
            },
        };
        if takes {
            self.current = Some((guest, now));
            self.order.retain(|known| *known != guest);
            self.order.insert(0, guest);
        }
    }

    /// Time passes.
    pub fn tick(&mut self, now: Instant) {
        if self.deadline().is_some_and(|due| now >= due) {
            self.current = None;
        }
    }

    /// When [`Speaker::tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let (current, _) = self.current?;
        Some(self.voices.get(&current)?.last + SILENCE)
    }

    /// Somebody is not heard any more.
    pub fn gone(&mut self, guest: GuestId) {
        self.voices.remove(&guest);
        self.order.retain(|known| *known != guest);
        if self.current.is_some_and(|(current, _)| current == guest) {
            self.current = None;
        }
    }

    /// Who speaks.
    #[must_use]
    pub fn current(&self) -> Option<GuestId> {
        self.current.map(|(guest, _)| guest)
    }

    /// Who spoke last, the newest first.
    #[must_use]
    pub fn order(&self) -> &[GuestId] {
        &self.order
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: GuestId = GuestId(1);
    const B: GuestId = GuestId(2);

    /// Speaks from one time to another, in milliseconds, in reports 330 ms apart.
    fn say(speaker: &mut Speaker, start: Instant, from: u64, to: u64, guest: GuestId, level: u8) {
        let mut at = from;
        while at < to {
            speaker.heard(start + Duration::from_millis(at), guest, level);
            at += 330;
        }
    }

    #[test]
    fn a_cough_does_not_make_a_speaker_and_a_sentence_does() {
        let (mut speaker, start) = (Speaker::default(), Instant::now());
        say(&mut speaker, start, 0, 400, A, 20);
        assert_eq!(speaker.current(), None);
        say(&mut speaker, start, 5000, 6000, A, 30);
        assert_eq!(speaker.current(), Some(A));
        say(&mut speaker, start, 6000, 9000, B, 60);
        assert_eq!(speaker.current(), Some(A), "a murmur is nothing");
    }

    #[test]
    fn the_next_one_takes_over_after_a_pause_or_by_being_clearly_louder() {
        let (mut speaker, start) = (Speaker::default(), Instant::now());
        say(&mut speaker, start, 0, 1000, A, 30);
        say(&mut speaker, start, 2500, 3500, B, 40);
        assert_eq!(speaker.current(), Some(B), "A has stopped");
        for at in (3500..7000).step_by(330) {
            speaker.heard(start + Duration::from_millis(at), B, 40);
            speaker.heard(start + Duration::from_millis(at), A, 38);
        }
        assert_eq!(speaker.current(), Some(B), "not clearly louder");
        for at in (7000..12_000).step_by(330) {
            speaker.heard(start + Duration::from_millis(at), B, 40);
            speaker.heard(start + Duration::from_millis(at), A, 20);
        }
        assert_eq!(speaker.current(), Some(A));
        assert_eq!(speaker.order(), [A, B]);
    }

    #[test]
    fn after_a_silence_and_when_gone_nobody_speaks() {
        let (mut speaker, start) = (Speaker::default(), Instant::now());
        say(&mut speaker, start, 0, 1000, A, 30);
        let due = speaker.deadline().unwrap();
        speaker.tick(due - Duration::from_millis(1));
        assert_eq!(speaker.current(), Some(A));
        speaker.tick(due);
        assert_eq!((speaker.current(), speaker.deadline()), (None, None));
        say(&mut speaker, start, 20_000, 21_000, A, 30);
        speaker.gone(A);
        assert_eq!((speaker.current(), speaker.order()), (None, &[][..]));
    }

    proptest! {
        #[test]
        fn the_speaker_is_somebody_who_was_heard_and_changes_seldom(
            reports in prop::collection::vec((0_u64..5, 0_u8..128, 0_u64..700), 1..200),
        ) {
            let (mut speaker, mut now) = (Speaker::default(), Instant::now());
            let mut changed: Option<Instant> = None;
            for (guest, level, pause) in reports {
                now += Duration::from_millis(pause);
                let before = speaker.current();
                speaker.tick(now);
                speaker.heard(now, GuestId(guest), level);
                if speaker.current() != before {
                    if let (Some(one), Some(_), Some(at)) = (speaker.current(), before, changed) {
                        prop_assert!(speaker.voices.contains_key(&one));
                        prop_assert!(now.duration_since(at) >= UTTERANCE, "no flicker");
                    }
                    changed = Some(now);
                }
            }
        }
    }
}
