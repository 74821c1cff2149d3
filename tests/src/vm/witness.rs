//! What the kernel's record says of lamps and captures: in which order a lamp was lit, the driver's file was opened, pictures or
//! sound came, the file was gone, and the lamp was darkened.

use std::time::Duration;

use super::trace::{Happened, What};

/// Those who look at a node themselves, from outside, as root may: the lamp follows them, it does not precede them.
pub const OTHERS: [&str; 2] = ["python3", "v4l_id"];

/// A capture whose lamp is watched.
#[derive(Clone, Debug)]
pub struct Capture {
    name: &'static str,
    lamp: u32,
    device: Device,
    lit: bool,
    read_back: bool,
    files: u32,
    /// Files of [`OTHERS`] among them.
    others: u32,
    /// Since when only others have it open under a dark lamp.
    dark: Option<Duration>,
    /// The longest time for which only others had it open under a dark lamp.
    pub late: Duration,
    /// How often it was opened.
    pub opens: usize,
    /// How many pictures were handed out, or how often sound arrived.
    pub frames: usize,
    /// How often its lamp was lit, and darkened.
    pub lamps: (usize, usize),
    /// From each open to the release, and to the lamp's darkness.
    pub closes: Vec<Closed>,
    released: Option<Duration>,
    edge: Option<Duration>,
}

/// How a capture ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// From the edge of the switch, where there was one, to the release.
    pub after_edge: Option<Duration>,
    /// From the release to the dark lamp.
    pub to_dark: Duration,
}

/// How a capture shows in the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Device {
    /// A camera by the driver `vivid`: each open file is a reference of its module.
    Camera,
    /// A microphone by the driver `snd-aloop`.
    Microphone,
}

/// Replays the record.
#[derive(Clone, Debug)]
pub struct Witness {
    /// The camera.
    pub camera: Capture,
    /// The microphone.
    pub microphone: Capture,
    /// Everything that must not be, in words.
    pub lies: Vec<String>,
    others: Vec<String>,
}

impl Witness {
    /// Watches lamps by their numbers. Nothing is open yet and nothing known of the lamps.
    #[must_use]
    pub fn new(camera_lamp: u32, microphone_lamp: u32) -> Self {
        let capture = |name, lamp, device| Capture {
            name,
            lamp,
            device,
            lit: false,
            read_back: false,
            files: 0,
            others: 0,
            dark: None,
            late: Duration::ZERO,
            opens: 0,
            frames: 0,
            lamps: (0, 0),
            closes: Vec::new(),
            released: None,
            edge: None,
        };
        Witness {
            camera: capture("camera", camera_lamp, Device::Camera),
            microphone: capture("microphone", microphone_lamp, Device::Microphone),
            lies: Vec::new(),
            others: OTHERS.map(str::to_owned).into(),
        }
    }

    /// This process opens nodes without a permit, as root may.
    pub fn allow(&mut self, process: &str) {
        // The kernel keeps fifteen characters of a name.
        self.others.push(process.chars().take(15).collect());
    }

    /// Takes a part of the record.
    pub fn see(&mut self, record: &[Happened]) {
        for happened in record {
            for capture in [&mut self.camera, &mut self.microphone] {
                let foreign = self.others.contains(&happened.process);
                if let Some(lie) = capture.see(happened, foreign) {
                    self.lies.push(lie);
                }
            }
        }
    }
}

impl Capture {
    fn see(&mut self, happened: &Happened, foreign: bool) -> Option<String> {
        let (at, name) = (happened.at, self.name);
        let lit = self.lit && self.read_back;
        let lie = |what: &str| Some(format!("{at:?} {}: {name}: {what}", happened.process));
        match &happened.what {
            What::Driven(line, level) if *line == self.lamp => {
                if self.lit != *level {
                    let (on, off) = self.lamps;
                    self.lamps = if *level { (on + 1, off) } else { (on, off + 1) };
                }
                (self.lit, self.read_back) = (*level, false);
                if *level {
                    self.others_are_seen(at);
                    return None;
                }
                if let Some(released) = self.released.take() {
                    let after_edge = self.edge.take().and_then(|edge| released.checked_sub(edge));
                    self.closes.push(Closed { after_edge, to_dark: at.saturating_sub(released) });
                }
                if self.files > 0 && self.files == self.others {
                    // Opened by root between the proof and the lamp: the lamp follows.
                    self.dark = Some(at);
                    return None;
                }
                if self.files > 0 { lie("the lamp goes dark over an open file") } else { None }
            }
            What::Read(line, level) if *line == self.lamp => {
                self.read_back = *level;
                None
            }
            What::Taken(module, by, left) if self.device.opens(module, by) => {
                self.files = if self.device == Device::Camera { *left } else { self.files + 1 };
                self.opens += 1;
                self.released = None;
                self.others += u32::from(foreign);
                if foreign && !self.lit {
                    self.dark.get_or_insert(at);
                }
                if lit || foreign { None } else { lie("opened before its lamp was lit and read back") }
            }
            What::Given(module, by, left) if self.device.closes(module, by) => {
                self.files = if self.device == Device::Camera { *left } else { self.files.saturating_sub(1) };
                self.others = self.others.saturating_sub(u32::from(foreign));
                if self.files == 0 {
                    self.released = Some(at);
                    self.others_are_seen(at);
                }
                None
            }
            What::Picture(_) if self.device == Device::Camera => {
                if self.frame() {
                    lie("a picture under a dark lamp")
                } else {
                    None
                }
            }
            What::Sound(of) if self.device == Device::Microphone && of.split('/').next()?.ends_with('c') => {
                if self.frame() { lie("sound under a dark lamp") } else { None }
            }
            What::Said(words) if words == &format!("{name} edge") => {
                self.edge = Some(at);
                None
            }
            What::Driven(..)
            | What::Read(..)
            | What::Taken(..)
            | What::Given(..)
            | What::Picture(_)
            | What::Sound(_)
            | What::Said(_) => None,
        }
    }

    /// The lamp is lit, or there is nothing left to be lit for.
    fn others_are_seen(&mut self, at: Duration) {
        if let Some(since) = self.dark.take() {
            self.late = self.late.max(at.saturating_sub(since));
        }
    }

    /// Counts a frame; whether it came under a dark lamp.
    fn frame(&mut self) -> bool {
        self.frames += 1;
        !self.lit
    }
}

impl Device {
    fn opens(self, module: &str, by: &str) -> bool {
        match self {
            Device::Camera => module == "vivid",
            Device::Microphone => module == "snd_aloop" && by == "snd_pcm_open",
        }
    }

    fn closes(self, module: &str, by: &str) -> bool {
        match self {
            Device::Camera => module == "vivid",
            Device::Microphone => module == "snd_aloop" && by == "snd_pcm_release",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(record: &[(&str, What)]) -> Witness {
        let mut witness = Witness::new(514, 516);
        let happened = record.iter().enumerate().map(|(at, (process, what))| Happened {
            at: Duration::from_millis(at as u64),
            process: (*process).to_owned(),
            what: what.clone(),
        });
        witness.see(&happened.collect::<Vec<_>>());
        witness
    }

    fn opened(files: u32) -> What {
        What::Taken("vivid".into(), "cdev_get".into(), files)
    }

    fn released(files: u32) -> What {
        What::Given("vivid".into(), "cdev_put".into(), files)
    }

    #[test]
    fn the_order_of_a_capture_is_lit_read_back_opened_frames_released_dark() {
        use What::{Driven, Picture, Read, Said};
        let lit = [("subrosa-guard", Driven(514, true)), ("subrosa-guard", Read(514, true))];
        let whole =
            [("media", opened(1)), ("media", Picture(0)), ("test", Said("camera edge".into())), ("media", released(0))];
        let good = after(&[&lit[..], &whole[..], &[("subrosa-guard", Driven(514, false))]].concat());
        assert_eq!(good.lies, Vec::<String>::new());
        assert_eq!((good.camera.opens, good.camera.frames, good.camera.lamps), (1, 1, (1, 1)));
        let milli = Duration::from_millis(1);
        assert_eq!(good.camera.closes, [Closed { after_edge: Some(milli), to_dark: milli }]);

        for (bad, lies) in [
            (after(&whole[..]), 2),
            (after(&[&lit[..1], &whole[..1]].concat()), 1),
            (after(&[&lit[..], &whole[..1], &[("subrosa-guard", Driven(514, false))]].concat()), 1),
            (
                after(
                    &[
                        &lit[..],
                        &whole[..1],
                        &[("media", opened(2)), ("media", released(1)), ("subrosa-guard", Driven(514, false))],
                    ]
                    .concat(),
                ),
                1,
            ),
            (after(&[("python3", opened(1))]), 0),
        ] {
            assert_eq!(bad.lies.len(), lies, "{:?}", bad.lies);
        }
    }

    #[test]
    fn sound_counts_for_the_microphone_only_where_it_is_captured() {
        let sound = |of: &str| ("media", What::Sound(of.into()));
        assert_eq!(after(&[sound("pcmC0D0p/sub0")]).lies.len(), 0);
        assert_eq!(after(&[sound("pcmC0D1c/sub0")]).lies.len(), 1);
    }
}
