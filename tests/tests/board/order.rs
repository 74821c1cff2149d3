//! The order of lamps and captures, as the kernel has recorded it on one clock: nothing of ours writes that record.

use std::time::Duration;

use subrosa_tests::mute::percentile;
use subrosa_tests::stage::eventually;
use subrosa_tests::vm::{Boot, Trace, What, Witness, Witnessed, inside};

use crate::units::{Device, GUARD, MEDIA, SOON};

/// The device runs, and everything since before its start has been recorded.
pub fn recorded() -> (Device, Trace, Witness) {
    let device = Device::install();
    let mut trace = Trace::start();
    let first = trace.first_line(&device.chip.node());
    let witness = Witness::new(first + device.chip.place("camera-live"), first + device.chip.place("microphone-live"));
    (device.run(), trace, witness)
}

/// Closes a switch and waits for darkness; opens it and waits for the capture.
fn there_and_back(device: &Device, trace: &Trace, capture: &str, switch: &str) {
    let media = device.pid(MEDIA);
    trace.say(&format!("{capture} edge"));
    device.chip.pull(switch, false);
    eventually("dark on proof", SOON, || (!device.lit(capture)).then_some(()));
    device.chip.pull(switch, true);
    // A media process that was too slow for the guard, as this machine may be, has been killed.
    if device.pid(MEDIA) != media {
        device.reconnect(false);
    }
    device.wait_capturing();
}

fn times(capture: &Witnessed) -> String {
    let edges: Vec<Duration> = capture.closes.iter().filter_map(|closed| closed.after_edge).collect();
    let dark: Vec<Duration> = capture.closes.iter().map(|closed| closed.to_dark).collect();
    let words =
        |times: &[Duration]| format!("median {:?}, longest {:?}", percentile(times, 0.5), percentile(times, 1.0));
    format!("edge → released: {}; released → dark: {} ({} closes)", words(&edges), words(&dark), dark.len())
}

#[test]
fn p1_p3_the_kernels_record_has_every_lamp_lit_before_the_open_and_dark_after_the_release() {
    if !inside(Boot::Systemd) {
        return;
    }
    let (device, mut trace, mut witness) = recorded();
    device.wake();
    for _ in 0..5 {
        there_and_back(&device, &trace, "camera", "camera-shutter");
        there_and_back(&device, &trace, "microphone", "microphone-switch");
        witness.see(&trace.take());
    }
    for unit in [MEDIA, GUARD] {
        let killed = device.pid(unit);
        device.signal(unit, libc::SIGKILL);
        eventually("another one", SOON, || (![0, killed].contains(&device.pid(unit))).then_some(()));
        device.reconnect(unit == GUARD);
        device.wait_capturing();
    }
    device.chip.pull("camera-shutter", false);
    device.chip.pull("microphone-switch", false);
    eventually("dark on proof", SOON, || (!device.lit("camera") && !device.lit("microphone")).then_some(()));
    let record = trace.take();
    witness.see(&record);
    for (name, capture) in [("camera", &witness.camera), ("microphone", &witness.microphone)] {
        println!(
            "{name}: {} opens, {} frames, lamp lit and darkened {:?}",
            capture.opens, capture.frames, capture.lamps
        );
        println!("{name}: {}", times(capture));
    }
    assert!(witness.lies.is_empty(), "{:#?}", witness.lies);
    let (camera, microphone) = (&witness.camera, &witness.microphone);
    assert!(camera.opens >= 8 && microphone.opens >= 8, "{camera:?} {microphone:?}");
    assert!(camera.frames > 20 && microphone.frames > 20, "{camera:?} {microphone:?}");
    assert!(camera.closes.iter().filter(|closed| closed.after_edge.is_some()).count() >= 5, "{camera:?}");
    let read =
        record.iter().any(|happened| matches!(happened.what, What::Read(..)) && happened.process == "subrosa-guard");
    assert!(read, "lamps and switches are read back by the guard");
}
