//! Pictures of what the blur does, for people to judge: photographs of one person, two, six, and of people in a street, and a
//! clip, each in all modes, through the element as the product uses it. They go to `tests/artefacts/blur-*`.

use gstreamer as gst;
use gstreamer::prelude::*;
use subrosa_tests::stage::{artefact, tree};

use crate::blur::{model, set_up};

const FRAME: &str = "video/x-raw,format=I420,width=1280,height=720,pixel-aspect-ratio=1/1,colorimetry=bt601";

fn play(line: &str) {
    let pipeline = gst::parse::launch(line).expect("GStreamer");
    pipeline.set_state(gst::State::Playing).expect("a pipeline that runs");
    let ends = [gst::MessageType::Eos, gst::MessageType::Error];
    let end = pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(300), &ends);
    pipeline.set_state(gst::State::Null).unwrap();
    let end = end.unwrap_or_else(|| panic!("{line} does not end"));
    assert_eq!(end.type_(), gst::MessageType::Eos, "{line}: {end:?}");
}

/// All pictures. Says where they are.
pub fn run() {
    gst::init().expect("GStreamer");
    gstsubrosablur::plugin_register_static().expect("the element");
    set_up("photographs.sh");
    let photographs = tree().join("data/photographs");
    let blur = |mode: &str| {
        format!("subrosablur model={} patience=10000 cadence=1 colour=0x00c000 mode={mode}", model().display())
    };
    for file in ["astronaut.png", "zidane.jpg", "group.jpg", "bus.jpg"] {
        let name = file.split('.').next().unwrap();
        for mode in ["off", "light", "strong", "colour"] {
            let out = artefact(&format!("blur-{name}-{mode}.jpg"));
            eprintln!("{}", out.display());
            // Twelve frames, of which the last is kept: windows for people far away need a few.
            play(&format!(
                "filesrc location={} ! decodebin ! imagefreeze num-buffers=12 ! videoconvertscale ! {FRAME} ! {} ! \
                 jpegenc quality=92 ! multifilesink location={}",
                photographs.join(file).display(),
                blur(mode),
                out.display()
            ));
        }
    }
    for mode in ["off", "light", "colour"] {
        let out = artefact(&format!("blur-clip-{mode}.mkv"));
        eprintln!("{}", out.display());
        play(&format!(
            "filesrc location={} ! decodebin ! videoconvertscale ! {FRAME} ! {} ! jpegenc quality=90 ! matroskamux ! \
             filesink location={}",
            photographs.join("carphone_pristine.mp4").display(),
            blur(mode),
            out.display()
        ));
    }
}
