//! Camera and microphone: which nodes they are, how their closing is proved, what switch and lamps are worth.

use serde::Deserialize;
use subrosa_messages::guard::{Tier, Worth};

use crate::{Board, InputLine, LinesBackend, OutputLine, Wrong};

/// Camera or microphone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CaptureBoard {
    /// Row of media's table of sources.
    pub source: CaptureSource,
    /// The nodes that together are the device; `{run}/` in front stands for the run directory.
    pub nodes: Vec<String>,
    /// How closure is proved.
    pub proof: Proof,
    /// The switch (microphone) or shutter (camera).
    pub switch: InputLine,
    /// What the switch is worth; `None`: read by the guard.
    pub switch_tier: Option<Tier>,
    /// The lamp that is lit while the device may be capturing or nothing is known.
    pub live: OutputLine,
    /// The lamp that is lit on proof of *muted*; microphones only.
    pub muted: Option<OutputLine>,
    /// What the lamps are worth; `None`: driven by the guard.
    pub lamp_tier: Option<Tier>,
    /// Who cancels the echo; microphones only.
    pub echo: Option<Echo>,
}

/// Who cancels the echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Echo {
    /// The device: a speakerphone that does it itself.
    Device,
    /// This program.
    Own,
}

/// Rows of media's tables of cameras and microphones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaptureSource {
    /// A simulated node: a file that holds what the device would deliver.
    Sim,
    /// A V4L2 camera, raw or MJPEG.
    V4l2,
    /// A camera of several nodes behind a media controller, such as a sensor at CSI, through libcamera.
    Libcamera,
    /// An ALSA capture PCM, opened as `hw:`.
    Alsa,
    /// A test pattern (camera) while the nodes are held open.
    Pattern,
    /// A tone (microphone) while the nodes are held open.
    Tone,
}

/// How the guard proves that nobody has a node open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// A write lease on a regular file, granted only when nobody else has it open (fcntl(2), `F_SETLEASE`).
    Lease,
    /// `/proc/asound/cardN/pcmMc/subK/status`.
    AlsaStatus,
    /// The reference count of the V4L2 driver's module; for a driver that is built into the kernel the same as
    /// [`Proof::V4l2Priority`].
    ModuleReferences,
    /// V4L2 priority and ownership of buffers: the last choice.
    V4l2Priority,
}

impl Proof {
    /// All of them.
    pub const ALL: [Proof; 4] = [Proof::Lease, Proof::AlsaStatus, Proof::ModuleReferences, Proof::V4l2Priority];

    /// As it is written in a board file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Proof::Lease => "lease",
            Proof::AlsaStatus => "alsa-status",
            Proof::ModuleReferences => "module-references",
            Proof::V4l2Priority => "v4l2-priority",
        }
    }
}

impl CaptureBoard {
    /// The device cancels echo itself.
    #[must_use]
    pub fn cancels_echo(&self) -> bool {
        self.echo == Some(Echo::Device)
    }

    /// What lamp and switch are worth, where their lines are real.
    #[must_use]
    pub fn worth(&self) -> Worth {
        let most = self.most();
        let usual = |tier: Option<Tier>, most: Tier| tier.unwrap_or(Tier::Guard.min(most));
        Worth { lamp: usual(self.lamp_tier, most.lamp), switch: usual(self.switch_tier, most.switch) }
    }

    /// What they can be worth at most: firmware decides what a mute key says and what its LED shows, and whoever stands
    /// outside with the right radio presses a presenter's key.
    fn most(&self) -> Worth {
        let attached = self.switch.key.is_some() || self.switch.hid.is_some();
        let switch = match (attached, self.switch.switch.is_some()) {
            (true, _) => Tier::Attached,
            (false, true) => Tier::Kernel,
            (false, false) => Tier::Power,
        };
        let led = self.muted.as_ref().is_some_and(|muted| muted.led.is_some());
        Worth { lamp: if led { Tier::Attached } else { Tier::Power }, switch }
    }

    fn check_nodes(&self, key: &str) -> Result<(), Wrong> {
        let nodes = format!("{key}.nodes");
        if self.nodes.is_empty() {
            let right = "name at least one node, such as \"/dev/video0\"".to_owned();
            return Err(Wrong::new(&nodes, key, "is empty", right));
        }
        for node in &self.nodes {
            if !node.starts_with('/') && !node.starts_with("{run}/") {
                let right = "give a whole path, or one that starts with {run}/".to_owned();
                return Err(Wrong::new(&nodes, node, "is no whole path", right));
            }
        }
        Ok(())
    }

    fn check_tiers(&self, key: &str, simulated: bool, power: bool) -> Result<(), Wrong> {
        let wrong = |tier: &str, found: Option<Tier>, problem, right: &str| {
            let found = found.map(|tier| u8::from(tier).to_string()).unwrap_or_default();
            Err(Wrong::new(&format!("{key}.{tier}"), &found, problem, right.to_owned()))
        };
        for (name, tier) in [("lamp-tier", self.lamp_tier), ("switch-tier", self.switch_tier)] {
            if simulated && tier.is_some() {
                return wrong(name, tier, "claims a circuit, and the lines are files", "leave it out");
            }
        }
        let most = self.most();
        for (name, tier, most) in
            [("lamp-tier", self.lamp_tier, most.lamp), ("switch-tier", self.switch_tier, most.switch)]
        {
            if tier.is_some_and(|tier| tier > most) {
                let right = format!("write at most {}: it is part of an attached device", u8::from(most));
                return wrong(name, tier, "is worth less than that", &right);
            }
        }
        if self.lamp_tier == Some(Tier::Kernel) && key == "microphone" {
            let problem = "is of cameras: the kernel has no lamp for a microphone's state";
            return wrong("lamp-tier", self.lamp_tier, problem, "write 1, or 3 where the lamp is in the power path");
        }
        let cut = power || self.switch_tier == Some(Tier::Power);
        if self.lamp_tier == Some(Tier::Power) && !cut {
            let problem = "needs a power path that something cuts";
            let right = format!("name the line in [power] {key}, or write switch-tier = 3 if the switch cuts it");
            return wrong("lamp-tier", self.lamp_tier, problem, &right);
        }
        if self.switch_tier == Some(Tier::Kernel) && !power {
            let problem = "needs a line that cuts the power";
            return wrong("switch-tier", self.switch_tier, problem, &format!("name it in [power] {key}, or write 1"));
        }
        Ok(())
    }
}

impl Board {
    pub(crate) fn check_captures(&self) -> Result<(), Wrong> {
        let (camera, microphone) = (&self.camera, &self.microphone);
        if camera.muted.is_some() {
            let right = "leave it out: the camera's one lamp says enough".to_owned();
            return Err(Wrong::new("camera.muted", "muted", "is a lamp of microphones", right));
        }
        if camera.echo.is_some() {
            let right = "write it under [microphone]".to_owned();
            return Err(Wrong::new("camera.echo", "echo", "belongs to the microphone", right));
        }
        match camera.source {
            CaptureSource::Sim | CaptureSource::V4l2 | CaptureSource::Libcamera | CaptureSource::Pattern => {}
            CaptureSource::Alsa | CaptureSource::Tone => {
                let right = "write \"v4l2\"".to_owned();
                return Err(Wrong::new("camera.source", "source", "is one of microphones", right));
            }
        }
        match microphone.source {
            CaptureSource::Sim | CaptureSource::Alsa | CaptureSource::Tone => {}
            CaptureSource::V4l2 | CaptureSource::Libcamera | CaptureSource::Pattern => {
                let right = "write \"alsa\"".to_owned();
                return Err(Wrong::new("microphone.source", "source", "is one of cameras", right));
            }
        }
        match camera.proof {
            Proof::Lease | Proof::ModuleReferences | Proof::V4l2Priority => {}
            Proof::AlsaStatus => {
                let right = "write \"module-references\"".to_owned();
                return Err(Wrong::new("camera.proof", camera.proof.name(), "is one for microphones", right));
            }
        }
        match microphone.proof {
            Proof::Lease | Proof::AlsaStatus => {}
            Proof::ModuleReferences | Proof::V4l2Priority => {
                let right = "write \"alsa-status\"".to_owned();
                return Err(Wrong::new("microphone.proof", microphone.proof.name(), "is one for cameras", right));
            }
        }
        let simulated = self.lines == LinesBackend::Sim;
        for (key, capture, power) in
            [("camera", camera, &self.power.camera), ("microphone", microphone, &self.power.microphone)]
        {
            capture.check_nodes(key)?;
            capture.check_tiers(key, simulated, power.is_some())?;
        }
        Ok(())
    }
}
