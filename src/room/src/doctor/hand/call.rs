//! Camera and microphone, open as in a call.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use subrosa_board::{Board, CaptureSource};
use subrosa_messages::Capture;
use subrosa_messages::doctor::{CameraModes, DoctorToMedia, Echo, Look, MediaToDoctor};
use subrosa_messages::guard::{Lamp, Level, NodeState};
use subrosa_messages::media::CaptureHealth;

use super::super::ask::{Guard, Media};
use super::super::finding::{Check, Finding, both};
use super::Person;

/// A camera opens, and gives its first picture, in that time.
const OPENS: Duration = Duration::from_secs(15);
/// Pictures are counted for so long.
const COUNT: Duration = Duration::from_secs(3);
/// The canceller finds an echo that comes back within this, in microseconds; a longer way needs a screen or an
/// amplifier with less delay.
const CANCELLED: u32 = 250_000;

/// Opens camera and microphone as a call does, looks at what comes, measures how long it takes to close them.
#[must_use]
pub fn call(guard: &mut Guard, media: &mut Media, board: &Board, person: &Person, chirp: bool) -> Vec<Finding> {
    let open = |capture: Capture| move |look: &Look| look.state.of(capture).switch == Level::Open;
    let ready = person.wait(guard, &both("Kameraklappe öffnen.", "Open the camera shutter."), open(Capture::Camera))
        && person.wait(
            guard,
            &both("Mikrofonschalter öffnen.", "Open the microphone switch."),
            open(Capture::Microphone),
        )
        && person.wait(
            guard,
            &both(
                "Den Taster drücken: Nur das öffnet Kamera und Mikrofon.",
                "Press the button: nothing else opens camera and microphone.",
            ),
            |look| look.state.awake,
        );
    if !ready {
        return vec![not_opened(Check::Camera), not_opened(Check::Microphone)];
    }
    let both_captures = DoctorToMedia::Want { camera: true, microphone: true };
    media.say(&both_captures);
    let opened = |capture: Capture| {
        move |look: &Look| look.state.of(capture).node == NodeState::Open && look.state.of(capture).live == Lamp::Lit
    };
    let mut findings = Vec::new();
    let both_open = guard.until(OPENS, |look| opened(Capture::Camera)(look) && opened(Capture::Microphone)(look));
    let began = Instant::now();
    while began.elapsed() < OPENS && both_open && !vitals(media).is_some_and(|it| it.runs()) {
        sleep(Duration::from_millis(100));
    }
    let (first, from) = (vitals(media), Instant::now());
    sleep(COUNT);
    let (last, lasted) = (vitals(media), from.elapsed());
    findings.push(camera(first.as_ref(), last.as_ref(), lasted));
    findings.push(microphone(last.as_ref(), board));
    if chirp && opened(Capture::Microphone)(&guard.look) {
        findings.push(echo(media, board));
    }
    for (capture, close, again) in [
        (
            Capture::Camera,
            both("Kameraklappe SCHLIESSEN.", "CLOSE the camera shutter."),
            both("… und wieder öffnen.", "… and open it again."),
        ),
        (
            Capture::Microphone,
            both("Mikrofonschalter SCHLIESSEN.", "CLOSE the microphone switch."),
            both("… und wieder öffnen.", "… and open it again."),
        ),
    ] {
        // Media that did not close the one in time has been killed, and with it the other was closed.
        if !guard.until(Duration::from_secs(2), opened(capture)) && media.renew(OPENS) {
            media.say(&both_captures);
            guard.until(OPENS, opened(capture));
        }
        if opened(capture)(&guard.look) {
            let closed = |look: &Look| look.state.of(capture).switch == Level::Closed;
            let _if_not_nothing_is_measured = person.wait(guard, &close, closed);
            guard.until(Duration::from_secs(2), |look| look.state.of(capture).node == NodeState::Closed);
            let _as_it_was = person.wait(guard, &again, open(capture));
        }
    }
    media.say(&DoctorToMedia::Want { camera: false, microphone: false });
    findings
}

fn not_opened(check: Check) -> Finding {
    Finding::not_checked(
        check,
        both(
            "Nicht geöffnet: Dazu gehören ein Druck auf den Taster und offene Schalter.",
            "Not opened: that takes a press of the button and open switches.",
        ),
        both("Noch einmal, mit jemandem im Raum.", "Again, with somebody in the room."),
    )
}

/// What media said last.
struct Vitals {
    links: u32,
    camera: CaptureHealth,
    microphone: CaptureHealth,
    frames: u64,
    modes: Option<CameraModes>,
}

impl Vitals {
    fn runs(&self) -> bool {
        self.camera == CaptureHealth::Running && self.microphone == CaptureHealth::Running
    }
}

fn vitals(media: &mut Media) -> Option<Vitals> {
    media.say(&DoctorToMedia::Ask);
    loop {
        match media.hear(Duration::from_secs(2))? {
            MediaToDoctor::Vitals { links, camera, microphone, camera_frames: frames, modes } => {
                return Some(Vitals { links, camera, microphone, frames, modes });
            }
            MediaToDoctor::Echo(_) => {}
        }
    }
}

fn camera(first: Option<&Vitals>, last: Option<&Vitals>, lasted: Duration) -> Finding {
    let (Some(first), Some(last)) = (first, last) else { return not_opened(Check::Camera) };
    if last.links > 0 {
        let what = both("Ein Gast ist da; es wird nicht gestört.", "A guest is there and is not disturbed.");
        return Finding::not_checked(
            Check::Camera,
            what,
            both("Nach der Besprechung wiederholen.", "Again after the meeting."),
        );
    }
    let frames = last.frames.saturating_sub(first.frames);
    let rate = frames as f64 / lasted.as_secs_f64();
    let (chosen, wanted) = match &last.modes {
        Some(modes) => (modes.chosen.clone(), Some(modes)),
        None => ("-".to_owned(), None),
    };
    let what = both(
        format!("Kamera: {rate:.1} Bilder/s kommen an; gewählt: {chosen}"),
        format!("Camera: {rate:.1} frames/s arrive; chosen: {chosen}"),
    );
    if last.camera != CaptureHealth::Running || frames == 0 {
        return Finding::wrong(
            Check::Camera,
            both(
                "Die Kamera liefert keine Bilder, die gesendet werden dürften.",
                "The camera gives no pictures that may be sent.",
            ),
            both(
                "journalctl -u subrosa-media sagt, warum. Fehlt das Modell für den Hintergrund, wird nichts gesendet.",
                "journalctl -u subrosa-media says why. Without the model for the background nothing is sent.",
            ),
        );
    }
    let Some(modes) = wanted else { return Finding::ok(Check::Camera, what) };
    let size = (modes.wanted.width, modes.wanted.height);
    if !fits(&modes.chosen, size) {
        let offered = modes.offered.len();
        return Finding::note(
            Check::Camera,
            what,
            both(
                format!(
                    "Gewünscht war {}×{}; in {offered} Formaten bietet die Kamera das nicht an. Es wird skaliert.",
                    size.0, size.1
                ),
                format!(
                    "{}×{} was wanted; in {offered} formats the camera does not offer that. It is scaled.",
                    size.0, size.1
                ),
            ),
        );
    }
    if rate < 0.8 * f64::from(modes.wanted_rate) {
        let slow = both(
            "Mehr gibt sie in dieser Größe nicht, oder es ist ihr zu dunkel; sonst sagt journalctl -u subrosa-media, warum.",
            "At this size it gives no more, or it is too dark for it; else journalctl -u subrosa-media says why.",
        );
        return Finding::note(Check::Camera, what, slow);
    }
    Finding::ok(Check::Camera, what)
}

/// Whether caps in GStreamer's words have that size.
fn fits(caps: &str, (width, height): (u32, u32)) -> bool {
    let has = |name: &str, side: u32| {
        let number = caps.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix("=(int)"));
        number.is_some_and(|number| number.trim_end_matches(';') == side.to_string())
    };
    has("width", width) && has("height", height)
}

fn microphone(last: Option<&Vitals>, board: &Board) -> Finding {
    let Some(last) = last else { return not_opened(Check::Microphone) };
    if last.microphone != CaptureHealth::Running {
        let closed = last.microphone == CaptureHealth::Closed;
        if closed || last.links > 0 {
            return not_opened(Check::Microphone);
        }
        return Finding::wrong(
            Check::Microphone,
            both("Das Mikrofon liefert nichts.", "The microphone gives nothing."),
            both("journalctl -u subrosa-media sagt, warum.", "journalctl -u subrosa-media says why."),
        );
    }
    let format = match board.microphone.source {
        CaptureSource::Alsa => board.microphone.nodes.first().and_then(|node| hardware_format(node)),
        CaptureSource::Sim
        | CaptureSource::V4l2
        | CaptureSource::Libcamera
        | CaptureSource::Pattern
        | CaptureSource::Tone => None,
    };
    let format = format.unwrap_or_else(|| "-".to_owned());
    Finding::ok(
        Check::Microphone,
        both(format!("Mikrofon läuft: {format}."), format!("The microphone runs: {format}.")),
    )
}

/// How an ALSA device runs, from `/proc/asound`: format, channels, rate, buffer.
fn hardware_format(node: &str) -> Option<String> {
    let (card, device) = node.rsplit_once("pcmC")?.1.strip_suffix('c')?.split_once('D')?;
    let file = format!("/proc/asound/card{card}/pcm{device}c/sub0/hw_params");
    hw_params(&fs::read_to_string(file).ok()?)
}

fn hw_params(text: &str) -> Option<String> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let rate = field("rate")?.split_whitespace().next()?;
    Some(format!("{} × {} {rate} Hz, buffer {}", field("channels")?, field("format")?, field("buffer_size")?))
}

fn echo(media: &mut Media, board: &Board) -> Finding {
    media.say(&DoctorToMedia::Chirp);
    let end = Instant::now() + Duration::from_secs(8);
    let answer = loop {
        match media.hear(end.saturating_duration_since(Instant::now())) {
            Some(MediaToDoctor::Echo(echo)) => break Some(echo),
            Some(MediaToDoctor::Vitals { .. }) => {}
            None => break None,
        }
    };
    judge_echo(answer, board.microphone.cancels_echo())
}

fn judge_echo(answer: Option<Echo>, cancels: bool) -> Finding {
    match answer {
        None | Some(Echo::NotListening) => not_opened(Check::Echo),
        Some(Echo::NotHeard) if cancels => Finding::ok(
            Check::Echo,
            both(
                "Das Gerät nimmt sein eigenes Echo weg: Nichts kommt zurück.",
                "The device cancels its own echo: nothing comes back.",
            ),
        ),
        Some(Echo::NotHeard) => Finding::note(
            Check::Echo,
            both("Der Zirpton kam nicht zurück.", "The chirp did not come back."),
            both(
                "War er zu hören? Lautstärke, Lautsprecher und HDMI-Ton prüfen: alsamixer, speaker-test.",
                "Was it heard? Check volume, speaker and sound over HDMI: alsamixer, speaker-test.",
            ),
        ),
        Some(Echo::Heard { delay_us, clearness }) => {
            let (ms, clear) = (f64::from(delay_us) / 1000.0, f64::from(clearness) / 10.0);
            let what = both(
                format!(
                    "Lautsprecher → Mikrofon: {ms:.1} ms, Puffer, Bildschirm und Raum zusammen (Deutlichkeit {clear:.1})."
                ),
                format!("Speaker → microphone: {ms:.1} ms, buffers, screen and room together (clearness {clear:.1})."),
            );
            if delay_us > CANCELLED {
                let todo = both(
                    "Das ist viel für die Echounterdrückung: den Ton nicht über den Fernseher, oder dessen Spielmodus.",
                    "That is much for the echo canceller: do not play through the television, or use its game mode.",
                );
                return Finding::note(Check::Echo, what, todo);
            }
            Finding::ok(Check::Echo, what)
        }
    }
}

#[cfg(test)]
mod tests {
    use subrosa_messages::media::Size;

    use super::super::super::finding::Verdict;
    use super::*;

    #[test]
    fn a_camera_is_judged_by_what_arrives_and_by_what_was_wanted() {
        let modes = |chosen: &str| CameraModes {
            wanted: Size { width: 1280, height: 720 },
            wanted_rate: 30,
            chosen: chosen.to_owned(),
            offered: vec!["video/x-raw".into()],
        };
        let hd = "video/x-raw, format=(string)YUY2, width=(int)1280, height=(int)720, framerate=(fraction)30/1";
        let vitals = |frames, chosen: &str, links| Vitals {
            links,
            camera: CaptureHealth::Running,
            microphone: CaptureHealth::Running,
            frames,
            modes: Some(modes(chosen)),
        };
        let judge = |last: &Vitals| camera(Some(&vitals(10, hd, 0)), Some(last), Duration::from_secs(3)).verdict;
        assert_eq!(judge(&vitals(100, hd, 0)), Verdict::Ok);
        assert_eq!(judge(&vitals(50, hd, 0)), Verdict::Note, "13 a second");
        assert_eq!(judge(&vitals(100, &hd.replace("1280", "640"), 0)), Verdict::Note);
        assert_eq!(judge(&vitals(10, hd, 0)), Verdict::Wrong);
        assert_eq!(judge(&vitals(100, hd, 1)), Verdict::NotChecked, "a guest is not disturbed");
        assert_eq!(judge(&Vitals { camera: CaptureHealth::Failed, ..vitals(100, hd, 0) }), Verdict::Wrong);
        assert_eq!(camera(None, None, Duration::ZERO).verdict, Verdict::NotChecked);
    }

    #[test]
    fn an_echo_is_judged_by_its_way_and_by_who_cancels_it() {
        let heard = |delay_us| Some(Echo::Heard { delay_us, clearness: 80 });
        for (answer, cancels, verdict) in [
            (heard(90_000), false, Verdict::Ok),
            (heard(250_001), false, Verdict::Note),
            (Some(Echo::NotHeard), false, Verdict::Note),
            (Some(Echo::NotHeard), true, Verdict::Ok),
            (Some(Echo::NotListening), false, Verdict::NotChecked),
            (None, false, Verdict::NotChecked),
        ] {
            assert_eq!(judge_echo(answer, cancels).verdict, verdict, "{answer:?}");
        }
    }

    #[test]
    fn what_alsa_says_of_a_running_device_is_read() {
        let text = "access: RW_INTERLEAVED\nformat: S16_LE\nsubformat: STD\nchannels: 2\nrate: 48000 (48000/1)\nperiod_size: 480\nbuffer_size: 2880\n";
        assert_eq!(hw_params(text).as_deref(), Some("2 × S16_LE 48000 Hz, buffer 2880"));
        assert_eq!(hw_params("closed\n"), None);
    }
}
