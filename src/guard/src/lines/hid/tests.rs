//! Descriptors as devices have them, and as none should.

use proptest::prelude::*;

use super::descriptor::{Descriptor, Led, MuteKey, Nonsense, Place};
use super::report;
use crate::lines::hid::key::Key;

/// A headset's telephony collection: report 2 from the device has hook switch, line, mute; report 2 to it has LEDs.
fn headset(mute: u8) -> Vec<u8> {
    let mut bytes = vec![
        0x05, 0x0c, 0x09, 0x01, 0xa1, 0x01, // consumer control
        0x85, 0x01, 0x15, 0x00, 0x25, 0x01, 0x09, 0xea, 0x09, 0xe9, 0x75, 0x01, 0x95, 0x02, 0x81, 0x02, // volume
        0x95, 0x06, 0x81, 0x01, 0xc0, // padding
        0x05, 0x0b, 0x09, 0x05, 0xa1, 0x01, // telephony, headset
        0x85, 0x02, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95, 0x01, // report 2, single bits
        0x09, 0x20, 0x81, 0x22, // hook switch
        0x09, 0x97, 0x81, 0x22, // line busy tone
        0x09, 0x2f, 0x81, mute, // phone mute
        0x95, 0x05, 0x81, 0x01, // padding
    ];
    bytes.extend([
        0x05, 0x08, 0x09, 0x17, 0x09, 0x1e, 0x09, 0x09, 0x09, 0x18, 0x09, 0x20, 0x09, 0x21, // LEDs
        0x95, 0x06, 0x91, 0x22, 0x95, 0x02, 0x91, 0x01, 0xc0,
    ]);
    bytes
}

#[test]
fn a_headset_has_its_mute_key_and_its_leds_where_its_descriptor_says() {
    let found = Descriptor::read(&headset(0x06)).unwrap();
    let place = |bit| Place { report: 2, bit, size: 1 };
    assert_eq!(found.mute, Some(MuteKey { place: place(2), selected: None, stands: false }));
    let leds = [(Led::Mute, place(2)), (Led::OffHook, place(0)), (Led::Microphone, place(5))];
    assert_eq!(found.leds, leds.into());
    assert!(found.numbered);
    assert_eq!((found.inputs, found.outputs), ([(1, 1), (2, 1)].into(), [(2, 1)].into()));
    let found = Descriptor::read(&headset(0x06)).unwrap();
    assert_eq!(report::mute(&found, &[2, 0b100]), Some(true));
    assert_eq!(report::mute(&found, &[2, 0b011]), Some(false));
    assert_eq!(report::mute(&found, &[1, 0b100]), None, "another report");
    assert_eq!(report::mute(&found, &[2]), None, "too short");
    assert_eq!(report::leds(&found, 2, |_| true), [2, 0b10_0101]);
    assert_eq!(report::leds(&found, 2, |led| led == Led::Mute), [2, 0b100]);
}

#[test]
fn a_key_toggles_unless_the_device_says_that_it_stands() {
    for (flags, stands) in [(0x02, false), (0x06, false), (0x26, false), (0x22, true)] {
        assert_eq!(Descriptor::read(&headset(flags)).unwrap().mute.map(|mute| mute.stands), Some(stands), "{flags:#x}");
    }
}

#[test]
fn keys_that_share_bits_are_told_apart_by_their_value() {
    // Two slots of eight bits each that hold one of the usages 0x20 to 0x2f, counted from 1; reports have no numbers.
    let bytes = [
        0x05, 0x0b, 0x09, 0x01, 0xa1, 0x01, 0x19, 0x20, 0x29, 0x2f, 0x15, 0x01, 0x25, 0x10, 0x75, 0x08, 0x95, 0x02,
        0x81, 0x00, 0xc0,
    ];
    let found = Descriptor::read(&bytes).unwrap();
    let place = Place { report: 0, bit: 0, size: 8 };
    assert_eq!(found.mute, Some(MuteKey { place, selected: Some((2, 16)), stands: false }));
    for (bytes, set) in [([16, 0], true), ([1, 16], true), ([1, 2], false)] {
        assert_eq!(report::mute(&found, &bytes), Some(set), "{bytes:?}");
    }
}

#[test]
fn a_usage_may_name_its_page_and_pages_may_be_put_aside() {
    let bytes = [
        0x05, 0x0c, 0xa4, 0x05, 0x01, 0xb4, 0x75, 0x01, 0x95, 0x01, 0x0b, 0x2f, 0x00, 0x0b, 0x00, 0x81, 0x06, 0xfe,
        0x02, 0x00, 0xaa, 0xbb, 0x09, 0x2f, 0x81, 0x06,
    ];
    let found = Descriptor::read(&bytes).unwrap();
    assert_eq!(found.mute.map(|mute| mute.place.bit), Some(0), "consumer page, usage 0x2f is another key");
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (bytes, why) in [
        (&[0x05][..], Nonsense::Short),
        (&[0xfe, 0x08, 0x00], Nonsense::Short),
        (&[0xb4], Nonsense::Pop),
        (&[0xa4, 0xa4, 0xa4, 0xa4, 0xa4], Nonsense::Push),
        (&[0x85, 0x00], Nonsense::Range),
        (&[0x75, 0x20, 0x97, 0xff, 0xff, 0xff, 0xff, 0x81, 0x02], Nonsense::Long),
    ] {
        assert_eq!(Descriptor::read(bytes), Err(why), "{bytes:?}");
    }
    assert!(!Descriptor::read(&[]).unwrap().is_of_use());
}

#[test]
fn each_press_counts_once_and_a_release_is_none() {
    let mut key = Key::new(false);
    for (set, presses) in [(true, 1), (true, 0), (false, 0), (true, 1), (false, 0)] {
        key.reported(set);
        assert_eq!(key.take_presses(), presses);
    }
    assert_eq!(key.read(), Some(true), "a key that toggles is there, and says no more");
}

#[test]
fn what_stands_is_unknown_until_the_device_has_said_it() {
    let mut switch = Key::new(true);
    assert_eq!(switch.read(), None);
    switch.reported(true);
    assert_eq!((switch.read(), switch.take_presses()), (Some(false), 0), "muted is closed");
    switch.reported(false);
    assert_eq!(switch.read(), Some(true));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_plugged_in_is_read_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        data in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        if let Ok(found) = Descriptor::read(&bytes) {
            let _nothing = report::mute(&found, &data);
            for report in found.outputs.keys() {
                let written = report::leds(&found, *report, |_| true);
                prop_assert_eq!(written.len(), 1 + found.outputs[report]);
            }
        }
    }

    /// Most random bytes are refused early; a headset with some bytes changed gets further.
    #[test]
    fn a_headset_with_faults_is_read_or_refused(
        faults in prop::collection::vec((0..90_usize, any::<u8>()), 0..6),
        data in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut bytes = headset(0x06);
        for (place, byte) in faults {
            if let Some(found) = bytes.get_mut(place) {
                *found = byte;
            }
        }
        if let Ok(found) = Descriptor::read(&bytes) {
            let _nothing = report::mute(&found, &data);
            for place in found.leds.values() {
                let written = report::leds(&found, place.report, |_| true);
                prop_assert!(place.bit as usize / 8 < written.len());
            }
        }
    }
}
