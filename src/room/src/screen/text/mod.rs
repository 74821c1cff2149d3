//! All texts of the screen, German first. Each is a function, so that none can be asked for that is not there.

mod card;
mod faults;
mod hosted;
mod joined;
mod lamps;
mod remote;

use crate::language::Language;

/// The texts in one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Words(pub Language);

impl Words {
    fn pick(self, german: &'static str, english: &'static str) -> &'static str {
        self.0.pick(german, english)
    }
}

#[cfg(test)]
mod tests {
    use subrosa_messages::Capture;
    use subrosa_messages::media::Cover;

    use super::*;
    use crate::meeting::guest::Encryption;

    /// Each text once, by name.
    fn all(words: Words) -> Vec<String> {
        let plain: [fn(Words) -> &'static str; 76] = [
            Words::model_missing,
            Words::model_damaged,
            Words::background_hidden,
            Words::background_not_hidden,
            Words::press_to_wake,
            Words::nothing_listens,
            Words::something_may_listen,
            Words::open_or_scan,
            Words::local_only,
            Words::fingerprint,
            Words::compare_fingerprint,
            Words::more_guests,
            Words::how_in,
            Words::hold_to_end,
            Words::locked,
            Words::wants_in,
            Words::unnamed,
            Words::press_to_admit,
            Words::until_pressed,
            Words::no_picture,
            Words::reconnecting,
            Words::restarting,
            Words::muted,
            Words::is_closing,
            Words::opened_by_another,
            Words::cannot_be_proved,
            Words::lamp_not_dark,
            Words::guard_silent,
            Words::room_sleeps,
            Words::not_there,
            Words::power_cut,
            Words::in_use,
            Words::node_wrong,
            Words::opens_with_a_guest,
            Words::is_opening,
            Words::no_picture_of_the_room,
            Words::none_is_taken,
            Words::none_is_sent,
            Words::closed_remotely,
            Words::camera_unproved,
            Words::camera_failed,
            Words::camera_missing,
            Words::camera_opening,
            Words::camera_wait,
            Words::press_to_join,
            Words::forgotten_by_itself,
            Words::may_not_join,
            Words::nobody_on_record,
            Words::invited_to,
            Words::more_where_it_was_given,
            Words::on_the_way,
            Words::not_in_it,
            Words::connecting,
            Words::hold_to_leave,
            Words::password_where,
            Words::goes_away,
            Words::transport,
            Words::server_sees,
            Words::opens_on_joining,
            Words::records,
            Words::consent_asked,
            Words::consent_asked_to_stream,
            Words::consent_given,
            Words::hand_raised,
            Words::ask_to_speak,
            Words::no_bridge,
            Words::reconnecting_to_server,
            Words::too_narrow,
            Words::shares,
            Words::nobody_else,
            Words::nobody_shows,
            Words::pair_a_phone,
            Words::for_a_minute,
            Words::press_to_pair,
            Words::given_by_phone,
            Words::password_on_the_phone,
        ];
        let of_capture: [fn(Words, Capture) -> &'static str; 9] = [
            Words::live,
            Words::perhaps_live,
            Words::closed,
            Words::guests_see_or_hear,
            Words::others_see_or_hear,
            Words::switch_closed,
            Words::switch_unreadable,
            Words::muted_remotely,
            Words::lamp_fails,
        ];
        let mut texts: Vec<String> = plain.iter().map(|text| text(words).to_owned()).collect();
        for capture in Capture::ALL {
            texts.extend(of_capture.iter().map(|text| text(words, capture).to_owned()));
            let (what, who) = words.asked(capture);
            texts.extend([what.to_owned(), who.to_owned()]);
        }
        for count in [1, 2] {
            texts.extend([words.more_waiting(count), words.more_guests_in(count), words.more_faults(count)]);
            texts.extend([words.phones(count), words.up_to(count), words.full(count)]);
        }
        texts.extend(Cover::ALL.map(|cover| words.background_covered(cover).to_owned()));
        texts.push(words.background_revealed(9));
        texts.push(words.run_by("A"));
        for encryption in [Encryption::None, Encryption::EndToEnd, Encryption::DeviceNotChecked] {
            let (word, why) = words.encryption(encryption);
            texts.extend([word.to_owned(), why.to_owned()]);
        }
        texts
    }

    #[test]
    fn every_text_is_there_in_both_languages_and_differs() {
        let (german, english) = (all(Words(Language::German)), all(Words(Language::English)));
        for (german, english) in german.iter().zip(&english) {
            assert!(!german.is_empty() && !english.is_empty());
            assert_ne!(german, english);
        }
    }

    #[test]
    fn p8_no_word_is_stronger_than_the_truth() {
        for language in Language::ALL {
            let (word, _) = Words(language).encryption(Encryption::DeviceNotChecked);
            assert!(
                !word.to_lowercase().contains("ende-zu-ende") && !word.to_lowercase().contains("end-to-end"),
                "{word}"
            );
            assert!(word.contains("nicht geprüft") || word.contains("not checked"));
            let (word, why) = (Words(language).transport(), Words(language).server_sees());
            assert!(word.to_lowercase().contains("transport") && why.contains("Server") | why.contains("server"));
            let (word, _) = Words(language).encryption(Encryption::None);
            assert!(
                !word.to_lowercase().contains("verschlüsselt") && !word.to_lowercase().contains("encrypted"),
                "{word}"
            );
        }
    }

    #[test]
    fn every_fault_says_what_to_do() {
        for language in Language::ALL {
            for fault in super::super::examples::faults() {
                let (what, help) = Words(language).fault(&fault);
                assert!(!what.is_empty() && help.len() > 20, "{fault:?}");
            }
        }
    }
}
