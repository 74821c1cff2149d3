//! `cargo bench -p subrosa-media --bench senses`: echo cancellation in figures, what a shown picture costs beside
//! GStreamer's own `compositor`, and how long sound takes from packet to speaker. Nothing here is a test.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_utils::StreamProducer;
use gstreamer_utils::streamproducer::ProducerSettings;
use subrosa_board::{Board, Screen};
use subrosa_media::cut::Cut;
use subrosa_media::display::Display;
use subrosa_media::inbound::{Inbound, Meter};
use subrosa_media::sound::processing::{Sonora, Steps};
use subrosa_media::sound::{Sound, frame, processing};
use subrosa_media::timebase::Timebase;
use subrosa_messages::frame as framing;
use subrosa_messages::media::{Codec, LinkId, Mid, Rectangle, Size, TrackId};
use subrosa_messages::outputs::Output;
use subrosa_process::run_dir::RunDir;

#[path = "../src/sound/echo_figures.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod echo_figures;
#[path = "../src/sound/synthetic.rs"]
mod synthetic;

fn main() -> Result<()> {
    gst::init()?;
    // `cargo test --all-targets` starts this too, without that word.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    echo();
    latency()?;
    for (what, codec, width, height) in [
        ("VP8 640x360", Codec::Vp8, 640, 360),
        ("VP8 1280x720", Codec::Vp8, 1280, 720),
        ("H.264 1280x720", Codec::H264, 1280, 720),
    ] {
        picture(what, codec, width, height)?;
    }
    Ok(())
}

fn echo() {
    println!("Echo, one voice at each end, 35 ms of way, synthetic room; losses in dB");
    println!("{:34}{:>7}{:>9}{:>13}{:>11}{:>10}", "", "ERLE", "first s", "double talk", "near only", "us/10 ms");
    let echo_only = Steps { echo: true, noise: false, gain: false };
    for (room, gain, tail) in [("office, echo at -10 dB", 0.3, 0.2), ("bare room, echo at -3 dB", 0.7, 0.3)] {
        let conversation = echo_figures::Conversation::new(gain, tail);
        for (chain, steps) in [("echo only", echo_only), ("echo, noise, gain", Steps::for_device(false))] {
            let start = Instant::now();
            let figures = conversation.measure(&mut Sonora::new(steps));
            let frames = conversation.far.len() / frame::SAMPLES;
            println!(
                "{:34}{:>7.1}{:>9.1}{:>13.1}{:>11.1}{:>10.0}",
                format!("{room}, {chain}"),
                figures.erle,
                figures.erle_first_second,
                figures.double_talk_loss,
                figures.near_loss,
                start.elapsed().as_secs_f64() * 1e6 / frames as f64,
            );
        }
    }
    for shift in [0.0, 0.004, 0.012, 0.03] {
        let erle = echo_figures::after_mute(&mut Sonora::new(echo_only), shift);
        println!("ERLE in the 2 s after an unmute, device {:>2.0} ms later than before: {erle:.1} dB", shift * 1e3);
    }
    println!();
}

/// A simulated room's outputs: what comes, and when.
fn listen(run: &RunDir) -> Result<Receiver<(framing::Frame<Output>, Instant)>> {
    fs::create_dir_all(run.sim())?;
    let listener = UnixListener::bind(run.sim_outputs())?;
    let (sender, frames) = mpsc::channel();
    thread::spawn(move || {
        let Ok((mut socket, _)) = listener.accept() else { return };
        let mut decoder = framing::Decoder::<Output>::default();
        while let Ok(Some(frame)) = framing::read(&mut socket, &mut decoder) {
            if sender.send((frame, Instant::now())).is_err() {
                return;
            }
        }
    });
    Ok(frames)
}

fn latency() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let run = RunDir::new(folder.path());
    let timebase = Timebase::start();
    let board = Board::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../boards/sim.toml"))?;
    let played = listen(&run)?;
    let sound = Sound::new(&board, &run, &timebase, Cut::microphone(&timebase), Arc::new(|_| {}))?;
    // A second of silence with a click in its middle, over and over; a click is one whole packet of noise.
    let pipeline = launch(
        "appsrc name=in is-live=true format=time caps=audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=1 ! opusenc frame-size=20 ! appsink name=out",
        &timebase,
    )?;
    let source = app_src(&pipeline, "in")?;
    let sink = app_sink(&pipeline, "out")?;
    let left = Arc::new(Mutex::new(Vec::<Instant>::new()));
    let leaving = left.clone();
    let pad = sink.static_pad("sink").context("appsink has a pad")?;
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let loud = info.buffer().is_some_and(|buffer| buffer.size() > 30);
        let now = Instant::now();
        if let (true, Ok(mut left)) = (loud, leaving.lock())
            && left.last().is_none_or(|last| now - *last > Duration::from_millis(300))
        {
            left.push(now);
        }
        gst::PadProbeReturn::Ok
    });
    let producer = StreamProducer::with(&sink, ProducerSettings { sync: false });
    pipeline.set_state(gst::State::Playing)?;
    sound.play(vec![Inbound { track: track(1), codec: Codec::Opus, producer, meter: Meter::default() }]);
    let mut noise = synthetic::Noise::new(3);
    let mut waits = Vec::new();
    let start = Instant::now();
    for n in 0..600_u64 {
        let loud = n % 50 == 25;
        let samples: Vec<f32> = (0..960).map(|_| if loud { noise.next() * 0.5 } else { 0.0 }).collect();
        let bytes: Vec<u8> = samples.iter().flat_map(|x| ((x * 32767.0) as i16).to_le_bytes()).collect();
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        buffer.get_mut().context("a new buffer")?.set_pts(timebase.now());
        source.push_buffer(buffer)?;
        thread::sleep((start + Duration::from_millis(20 * (n + 1))).saturating_duration_since(Instant::now()));
    }
    thread::sleep(Duration::from_millis(300));
    let mut clicks: Vec<Instant> = Vec::new();
    for (frame, at) in played.try_iter() {
        let loud = frame::samples(&frame.body).any(|sample| sample.unsigned_abs() > 3000);
        if loud && clicks.last().is_none_or(|last| at - *last > Duration::from_millis(300)) {
            clicks.push(at);
        }
    }
    let left = left.lock().map(|left| left.clone()).unwrap_or_default();
    for click in &clicks {
        let sent = left.iter().rev().find(|sent| *sent <= click).context("a click that was never sent")?;
        waits.push((*click - *sent).as_secs_f64() * 1e3);
    }
    waits.sort_by(f64::total_cmp);
    let at = |part: usize| waits.get(waits.len() * part / 100).copied().unwrap_or(f64::NAN);
    println!(
        "Sound, Opus packet at the mixer to frame at the speaker's socket, {} clicks: p50 {:.0} ms, p90 {:.0} ms",
        waits.len(),
        at(50),
        at(90)
    );
    println!();
    pipeline.set_state(gst::State::Null)?;
    Ok(())
}

fn track(link: u64) -> TrackId {
    TrackId { link: LinkId(link), mid: Mid("guest".to_owned()) }
}

fn launch(description: &str, timebase: &Timebase) -> Result<gst::Pipeline> {
    let pipeline = gst::parse::launch(description)?.downcast::<gst::Pipeline>().ok().context("a pipeline")?;
    timebase.rule(&pipeline);
    Ok(pipeline)
}

fn app_src(pipeline: &gst::Pipeline, name: &str) -> Result<gst_app::AppSrc> {
    pipeline.by_name(name).and_then(|element| element.downcast().ok()).context("no such appsrc")
}

fn app_sink(pipeline: &gst::Pipeline, name: &str) -> Result<gst_app::AppSink> {
    pipeline.by_name(name).and_then(|element| element.downcast().ok()).context("no such appsink")
}

/// Five seconds of a moving picture at 30 frames a second and a rate that a browser would send.
fn clip(codec: Codec, width: u32, height: u32) -> Result<Vec<gst::Sample>> {
    let rate = u64::from(width) * u64::from(height) * 2;
    let encoder = match codec {
        Codec::H264 => format!(
            "x264enc tune=zerolatency speed-preset=superfast bitrate={} key-int-max=1000 bframes=0 ! video/x-h264,profile=constrained-baseline",
            rate / 1000
        ),
        Codec::Vp8 | Codec::Opus => {
            format!("vp8enc deadline=1 cpu-used=8 end-usage=cbr target-bitrate={rate} keyframe-max-dist=1000")
        }
    };
    let pipeline = launch(
        &format!(
            "videotestsrc num-buffers=150 pattern=zone-plate kx2=2 ky2=2 kt=2 ! video/x-raw,format=I420,width={width},height={height},framerate=30/1 ! {encoder} ! appsink name=out sync=false"
        ),
        &Timebase::start(),
    )?;
    let sink = app_sink(&pipeline, "out")?;
    pipeline.set_state(gst::State::Playing)?;
    let mut samples = Vec::new();
    while let Ok(sample) = sink.pull_sample() {
        samples.push(sample);
    }
    pipeline.set_state(gst::State::Null)?;
    Ok(samples)
}

/// CPU time of this process so far.
fn cpu() -> Duration {
    let usage = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(usage.tv_sec.unsigned_abs(), u32::try_from(usage.tv_nsec).unwrap_or(0))
}

/// Plays the clip for ten seconds; CPU in percent of one core.
fn feed(source: &gst_app::AppSrc, clip: &[gst::Sample], timebase: &Timebase) -> Result<f64> {
    let (mut before, start) = (cpu(), Instant::now());
    let mut begun = start;
    for n in 0..360_u32 {
        if n == 60 {
            (before, begun) = (cpu(), Instant::now());
        }
        let sample = clip.get(n as usize % clip.len()).context("an empty clip")?;
        let mut buffer = sample.buffer_owned().context("a sample without a buffer")?;
        let parts = buffer.make_mut();
        parts.set_pts(timebase.now());
        parts.set_dts(gst::ClockTime::NONE);
        source.push_sample(
            &gst::Sample::builder().buffer(&buffer).caps(&sample.caps_owned().context("no caps")?).build(),
        )?;
        thread::sleep((start + Duration::from_secs(1) * (n + 1) / 30).saturating_duration_since(Instant::now()));
    }
    Ok((cpu() - before).as_secs_f64() * 100.0 / begun.elapsed().as_secs_f64())
}

fn picture(what: &str, codec: Codec, width: u32, height: u32) -> Result<()> {
    let clip = clip(codec, width, height)?;
    let screen = Size { width: 1280, height: 720 };
    let place = Rectangle { x: 0, y: 40, width: 1136, height: 640 };

    let timebase = Timebase::start();
    let bare = launch("appsrc name=in is-live=true format=time ! fakesink", &timebase)?;
    bare.set_state(gst::State::Playing)?;
    let nothing = feed(&app_src(&bare, "in")?, &clip, &timebase)?;
    bare.set_state(gst::State::Null)?;

    let decoder = if codec == Codec::H264 { "h264parse ! avdec_h264 max-threads=1" } else { "vp8dec threads=1" };
    let decode = launch(&format!("appsrc name=in is-live=true format=time ! {decoder} ! fakesink"), &timebase)?;
    decode.set_state(gst::State::Playing)?;
    let decoding = feed(&app_src(&decode, "in")?, &clip, &timebase)? - nothing;
    decode.set_state(gst::State::Null)?;

    let reference = launch(
        &format!(
            "compositor name=c background=black sink_0::xpos={} sink_0::ypos={} sink_0::width={} sink_0::height={} ! \
             video/x-raw,width=1280,height=720,framerate=15/1 ! videoconvert ! jpegenc quality=82 ! fakesink \
             appsrc name=in is-live=true format=time ! {decoder} ! c.sink_0 \
             videotestsrc num-buffers=1 pattern=solid-color foreground-color=0x40202020 ! \
             video/x-raw,format=RGBA,width=1280,height=720 ! imagefreeze is-live=true ! video/x-raw,framerate=15/1 ! c.sink_1",
            place.x, place.y, place.width, place.height
        ),
        &timebase,
    )?;
    reference.set_state(gst::State::Playing)?;
    let compositor = feed(&app_src(&reference, "in")?, &clip, &timebase)? - nothing;
    reference.set_state(gst::State::Null)?;

    let folder = tempfile::tempdir()?;
    let run = RunDir::new(folder.path());
    let shown = listen(&run)?;
    let display = Display::new(&Screen::Sim, &run, screen, &timebase, Arc::new(|_| {}))?;
    let pipeline = launch("appsrc name=in is-live=true format=time ! appsink name=out", &timebase)?;
    let producer = StreamProducer::with(&app_sink(&pipeline, "out")?, ProducerSettings { sync: false });
    pipeline.set_state(gst::State::Playing)?;
    // A name at the lower edge of the picture, a bar below it, nothing over the rest.
    let overlay = (0..720_u32)
        .flat_map(|y| {
            (0..1280_u32).flat_map(move |x| {
                let alpha = if y >= 680 || x >= 1136 {
                    255
                } else if y > 640 && x < 300 {
                    160
                } else {
                    0
                };
                [40, 40, 60, alpha]
            })
        })
        .collect();
    display.overlay(screen, overlay);
    display.show(vec![(Inbound { track: track(1), codec, producer, meter: Meter::default() }, place)]);
    // The clip has one key frame, and it is the first.
    thread::sleep(Duration::from_millis(300));
    let ours = feed(&app_src(&pipeline, "in")?, &clip, &timebase)? - nothing;
    let pictures = shown.try_iter().count();
    pipeline.set_state(gst::State::Null)?;
    drop(display);

    println!(
        "{what:15} at 30 fps into 1136x640 of a simulated 1280x720 screen: {ours:5.1} % of a core, {pictures} JPEGs in 12 s; \
         decoder alone {decoding:.1} %; compositor + jpegenc at 15 fps {compositor:.1} % (ours is {:.2} of it)",
        ours / compositor
    );
    Ok(())
}
