//! The table of encoders: everything about each of them in one place.
//!
//! A quirk carries a link to where it was learned. Rows are chosen by the board file, proved by a trial
//! ([`super::trial`]), and used in order. To add one, see `docs/adding.md`.

use subrosa_messages::media::Codec;

/// How an element takes a property.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A number, a boolean, an enum's nick, a fraction: parsed as `gst-launch-1.0` parses it.
    Text(&'static str),
    /// V4L2 controls, as fields of a structure.
    Controls(&'static [(&'static str, i32)]),
}

/// How an encoder takes its bitrate while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bitrate {
    /// A property in kbit/s.
    Kilobits(&'static str),
    /// A property in bit/s.
    Bits(&'static str),
    /// A V4L2 control in bit/s that takes multiples of this step, within these bounds.
    Control {
        /// Its name.
        name: &'static str,
        /// Multiple.
        step: u32,
        /// Lower bound.
        least: u32,
        /// Upper bound.
        most: u32,
    },
}

/// How an encoder is made to make a key frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFrame {
    /// The event `GstForceKeyUnit`, as every `GstVideoEncoder` takes it; it names the frame by its time.
    Event,
    /// An action signal; it takes effect with the next frame.
    Signal(&'static str),
}

/// One encoder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Its name in board files; the same as the element's.
    pub name: &'static str,
    /// What it makes.
    pub codec: Codec,
    /// The raw format it takes.
    pub format: &'static str,
    /// An element that must stand in front of it, for example to move frames into its memory.
    pub front: Option<&'static str>,
    /// What frames must be when they reach it, beyond format and size.
    pub input_caps: &'static str,
    /// Caps behind it.
    pub output_caps: &'static str,
    /// Properties, set once.
    pub properties: &'static [(&'static str, Value)],
    /// Property that holds the distance of key frames, in frames.
    pub key_distance: Option<&'static str>,
    /// How it takes its bitrate.
    pub bitrate: Bitrate,
    /// How it is asked for a key frame.
    pub key_frame: KeyFrame,
    /// It does not repeat SPS and PPS by itself: `h264parse` does it.
    pub repeat_headers: bool,
    /// Sides of the picture are multiples of this.
    pub alignment: u32,
    /// The largest picture, as width and height.
    pub largest: (u32, u32),
    /// The highest rate; `None`: that of the picture.
    pub frames_per_second: Option<u32>,
    /// Where the quirks were learned.
    pub learned: &'static [&'static str],
}

const BYTE_STREAM: &str = "video/x-h264,stream-format=byte-stream,alignment=au,profile=constrained-baseline";

/// All encoders of H.264, and the one of VP8.
pub const ROWS: &[Row] = &[
    Row {
        name: "x264enc",
        codec: Codec::H264,
        format: "I420",
        front: None,
        input_caps: "",
        output_caps: BYTE_STREAM,
        properties: &[
            // No look-ahead, no B frames, slices instead of frames in parallel: the delay is one frame.
            ("tune", Value::Text("zerolatency")),
            ("speed-preset", Value::Text("superfast")),
            ("bframes", Value::Text("0")),
            ("byte-stream", Value::Text("true")),
            ("aud", Value::Text("false")),
            // No intra pictures that are no key frames: nobody can start from them. And no adaptive quantisation, which takes bits
            // from people for what is flat: at 1.3 Mbit/s two pictures of people before a blurred background had 0.7 and 1.3 dB
            // less with it, one before a raw background 0.6 dB (PSNR of luma; SSIM within 0.011), for 8 % more instructions.
            ("option-string", Value::Text("scenecut=0:aq-mode=0")),
            ("cabac", Value::Text("false")),
            ("dct8x8", Value::Text("false")),
            ("vbv-buf-capacity", Value::Text("300")),
        ],
        key_distance: Some("key-int-max"),
        bitrate: Bitrate::Kilobits("bitrate"),
        key_frame: KeyFrame::Event,
        repeat_headers: false,
        alignment: 2,
        largest: (4096, 2304),
        frames_per_second: None,
        learned: &["https://github.com/prominenceai/deepstream-services-library/issues/1342"],
    },
    Row {
        name: "openh264enc",
        codec: Codec::H264,
        format: "I420",
        front: None,
        input_caps: "",
        output_caps: BYTE_STREAM,
        properties: &[
            ("complexity", Value::Text("low")),
            ("rate-control", Value::Text("bitrate")),
            ("usage-type", Value::Text("camera")),
            ("enable-frame-skip", Value::Text("false")),
            // A cut would cost a key frame that nobody asked for.
            ("scene-change-detection", Value::Text("false")),
            ("qp-min", Value::Text("10")),
        ],
        key_distance: Some("gop-size"),
        bitrate: Bitrate::Bits("bitrate"),
        key_frame: KeyFrame::Event,
        repeat_headers: false,
        alignment: 2,
        largest: (3840, 2160),
        frames_per_second: None,
        learned: &[],
    },
    Row {
        // bcm2835-codec of the Raspberry Pi 3, 4, CM4 and Zero 2 W, on Raspberry Pi's own kernel.
        name: "v4l2h264enc",
        codec: Codec::H264,
        format: "I420",
        // Frames that do not come in its memory are refused; without a colorimetry in the caps negotiation fails.
        front: Some("v4l2convert"),
        input_caps: "colorimetry=bt601",
        // Without a level in the caps it falls to 1.0, which is 128 × 96; GStreamer 1.30 computes it.
        output_caps: "video/x-h264,stream-format=byte-stream,alignment=au,profile=constrained-baseline,level=(string)4",
        properties: &[(
            "extra-controls",
            // Its defaults: 10 Mbit/s VBR, headers once, QP from 20.
            Value::Controls(&[
                ("video_bitrate_mode", 1),
                ("repeat_sequence_header", 1),
                ("h264_minimum_qp_value", 16),
                ("h264_maximum_qp_value", 38),
                ("h264_i_frame_period", 300),
            ]),
        )],
        key_distance: None,
        bitrate: Bitrate::Control { name: "video_bitrate", step: 25_000, least: 25_000, most: 25_000_000 },
        key_frame: KeyFrame::Event,
        repeat_headers: true,
        alignment: 2,
        largest: (1920, 1080),
        frames_per_second: None,
        learned: &[
            "https://github.com/raspberrypi/linux/issues/3974",
            "https://github.com/raspberrypi/linux/issues/4906",
            "https://github.com/raspberrypi/documentation/pull/3545",
            "https://github.com/pikvm/ustreamer/issues/169",
            "https://github.com/pion/webrtc/issues/1750",
        ],
    },
    Row {
        // Jetson Xavier NX, Orin NX, AGX Orin. The Orin Nano has the element and no encoder: probing it can hang.
        name: "nvv4l2h264enc",
        codec: Codec::H264,
        format: "NV12",
        front: Some("nvvidconv"),
        input_caps: "memory:NVMM",
        output_caps: "video/x-h264,stream-format=byte-stream,alignment=au",
        properties: &[
            ("profile", Value::Text("0")),
            ("control-rate", Value::Text("1")),
            ("insert-sps-pps", Value::Text("true")),
            ("insert-vui", Value::Text("true")),
            ("maxperf-enable", Value::Text("true")),
            ("preset-level", Value::Text("1")),
            // Access units come one or two frames late without it.
            ("poc-type", Value::Text("2")),
            ("num-B-Frames", Value::Text("0")),
        ],
        key_distance: Some("idrinterval"),
        bitrate: Bitrate::Bits("bitrate"),
        key_frame: KeyFrame::Signal("force-IDR"),
        repeat_headers: true,
        alignment: 2,
        largest: (3840, 2160),
        frames_per_second: None,
        learned: &[
            "https://github.com/selkies-project/selkies/issues/400",
            "https://github.com/insight-platform/Savant/issues/497",
            "https://github.com/dusty-nv/jetson-utils/issues/197",
        ],
    },
    Row {
        name: "vah264enc",
        codec: Codec::H264,
        format: "NV12",
        front: Some("vapostproc"),
        input_caps: "memory:VAMemory",
        output_caps: BYTE_STREAM,
        properties: &[
            ("rate-control", Value::Text("cbr")),
            ("b-frames", Value::Text("0")),
            ("ref-frames", Value::Text("1")),
            ("target-usage", Value::Text("6")),
            ("cabac", Value::Text("false")),
            ("dct8x8", Value::Text("false")),
        ],
        key_distance: Some("key-int-max"),
        bitrate: Bitrate::Kilobits("bitrate"),
        key_frame: KeyFrame::Event,
        repeat_headers: true,
        alignment: 2,
        largest: (4096, 2304),
        frames_per_second: None,
        learned: &[],
    },
    Row {
        // Some Intel parts (N100) have only the low-power entry point.
        name: "vah264lpenc",
        codec: Codec::H264,
        format: "NV12",
        front: Some("vapostproc"),
        input_caps: "memory:VAMemory",
        output_caps: BYTE_STREAM,
        properties: &[
            ("rate-control", Value::Text("cbr")),
            ("b-frames", Value::Text("0")),
            ("ref-frames", Value::Text("1")),
            ("target-usage", Value::Text("6")),
            ("cabac", Value::Text("false")),
            ("dct8x8", Value::Text("false")),
        ],
        key_distance: Some("key-int-max"),
        bitrate: Bitrate::Kilobits("bitrate"),
        key_frame: KeyFrame::Event,
        repeat_headers: true,
        alignment: 2,
        largest: (4096, 2304),
        frames_per_second: None,
        learned: &[
            "https://github.com/open-edge-platform/edge-ai-libraries/pull/1264",
            "https://github.com/fzwoch/obs-vaapi/issues/7",
        ],
    },
    Row {
        // Rockchip's MPP, for example the RK3588. Freezes after seconds have been reported: the encoder is watched
        // while it runs, and the next row takes over.
        name: "mpph264enc",
        codec: Codec::H264,
        format: "NV12",
        front: None,
        input_caps: "",
        output_caps: "video/x-h264,stream-format=byte-stream,alignment=au",
        properties: &[
            ("profile", Value::Text("baseline")),
            ("level", Value::Text("40")),
            ("rc-mode", Value::Text("cbr")),
            ("header-mode", Value::Text("each-idr")),
            ("zero-copy-pkt", Value::Text("true")),
        ],
        key_distance: Some("gop"),
        bitrate: Bitrate::Bits("bps"),
        key_frame: KeyFrame::Event,
        repeat_headers: true,
        alignment: 16,
        largest: (1920, 1088),
        frames_per_second: None,
        learned: &["https://github.com/rockchip-linux/mpp/issues/551", "https://github.com/JeffyCN/mirrors/issues/70"],
    },
    Row {
        // For peers without H.264, at 640 × 360: it costs three times as much as x264enc for the same picture.
        name: "vp8enc",
        codec: Codec::Vp8,
        format: "I420",
        front: None,
        input_caps: "",
        output_caps: "video/x-vp8",
        properties: &[
            ("deadline", Value::Text("1")),
            // Negative: this speed, whatever the load; positive values measure time and swing.
            ("cpu-used", Value::Text("-8")),
            ("end-usage", Value::Text("cbr")),
            ("error-resilient", Value::Text("default")),
            ("lag-in-frames", Value::Text("0")),
            ("static-threshold", Value::Text("100")),
            // Two threads wait for each other by spinning: four times the CPU on a busy machine (measured).
            ("threads", Value::Text("1")),
            ("undershoot", Value::Text("95")),
            ("overshoot", Value::Text("50")),
            ("buffer-size", Value::Text("600")),
            ("buffer-initial-size", Value::Text("400")),
            ("buffer-optimal-size", Value::Text("500")),
            ("resize-allowed", Value::Text("false")),
        ],
        key_distance: Some("keyframe-max-dist"),
        bitrate: Bitrate::Bits("target-bitrate"),
        key_frame: KeyFrame::Event,
        repeat_headers: false,
        alignment: 2,
        largest: (1280, 720),
        frames_per_second: None,
        learned: &[],
    },
];

/// The row with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.name == name)
}

/// The row for peers without H.264.
#[must_use]
pub fn vp8() -> Option<&'static Row> {
    ROWS.iter().find(|row| row.codec == Codec::Vp8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        for (n, row) in ROWS.iter().enumerate() {
            assert!(ROWS.iter().skip(n + 1).all(|other| other.name != row.name), "{}", row.name);
        }
    }

    #[test]
    fn every_row_makes_baseline_without_b_frames() {
        for row in ROWS.iter().filter(|row| row.codec == Codec::H264) {
            let says = |name: &str| row.properties.iter().any(|(property, _)| *property == name);
            assert!(row.output_caps.contains("constrained-baseline") || says("profile"), "{}", row.name);
            assert!(row.output_caps.contains("alignment=au"), "{}", row.name);
        }
    }
}
