//! The pictograms of the screen, drawn for it on a grid of 24 × 24 with strokes of 2.

use std::fmt::Write as _;

use super::palette::Colour;

/// A pictogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Icon {
    /// A camera.
    Camera,
    /// A camera, struck out.
    CameraClosed,
    /// A microphone.
    Microphone,
    /// A microphone, struck out.
    MicrophoneClosed,
    /// Nothing is known.
    Unknown,
    /// A lock with a tick.
    LockChecked,
    /// A lock with a question mark.
    LockUnchecked,
    /// A lock: nobody on the way can listen in.
    Lock,
    /// Not connected yet.
    Dots,
    /// A fault.
    Warning,
    /// Inside these walls.
    House,
    /// The button on the device.
    Button,
    /// A shield: what the lamps' word is worth.
    Shield,
    /// It starts again.
    Again,
    /// A person without a picture.
    Person,
    /// A raised hand.
    Hand,
    /// A tape runs: what is said is kept by others.
    Tape,
    /// A weak signal.
    Weak,
    /// A shared screen.
    Screen,
    /// What is written in the chat.
    Chat,
    /// The mark: a rose of five petals, as it was hung over the table of those who keep what is said.
    Rose,
}

/// How an icon is drawn: the form says the state once more, beside the word and the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Look {
    /// The lines alone.
    Bare {
        /// Of the lines.
        colour: Colour,
        /// What is behind them.
        ground: Colour,
    },
    /// On a filled disc, as a lamp that is lit.
    Filled {
        /// Of the disc.
        disc: Colour,
        /// Of the lines.
        glyph: Colour,
    },
    /// In a ring, as a lamp that is dark.
    Hollow {
        /// Of the ring.
        ring: Colour,
        /// Of the lines.
        glyph: Colour,
        /// What is behind them.
        ground: Colour,
    },
}

const CAMERA: &str = "M4.5 6.5h8.5a1.5 1.5 0 0 1 1.5 1.5v8a1.5 1.5 0 0 1-1.5 1.5h-8.5a1.5 1.5 0 0 1-1.5-1.5v-8a1.5 1.5 0 0 1 1.5-1.5z\
                      M14.5 11l6.5-3.5v9l-6.5-3.5z";
const MICROPHONE: &str =
    "M12 3a3 3 0 0 1 3 3v5.5a3 3 0 0 1-6 0v-5.5a3 3 0 0 1 3-3zM6 11a6 6 0 0 0 12 0M12 17v4M8.5 21h7";
const LOCK: &str = "M5 10.5h14v11h-14zM8 10.5v-3.5a4 4 0 0 1 8 0v3.5";
const SLASH: &str = "M3.5 3.5l17 17";

impl Icon {
    /// The elements, in the coordinates of the grid; stroke and its width are inherited.
    pub(super) fn write(self, out: &mut String, colour: Colour, ground: Colour) {
        match self {
            Icon::Camera => path(out, CAMERA),
            Icon::CameraClosed => struck(out, CAMERA, ground),
            Icon::Microphone => path(out, MICROPHONE),
            Icon::MicrophoneClosed => struck(out, MICROPHONE, ground),
            Icon::Unknown => {
                path(out, "M8 8.6a4 4 0 1 1 5.8 3.6c-1.2.7-1.8 1.5-1.8 2.8v.4M12 19.9v.1");
            }
            Icon::LockChecked => {
                path(out, LOCK);
                path(out, "M9 16l2.2 2.2 4-4.4");
            }
            Icon::Lock => path(out, LOCK),
            Icon::LockUnchecked => {
                path(out, LOCK);
                path(out, "M10.4 14.4a1.7 1.7 0 1 1 2.5 1.5c-.6.3-.9.6-.9 1.1M12 19v.05");
            }
            Icon::Dots => path(out, "M5.5 12v.05M12 12v.05M18.5 12v.05"),
            Icon::Warning => path(out, "M12 3.5l9.5 17h-19zM12 10v4.6M12 17.6v.05"),
            Icon::House => path(out, "M3 11.5l9-8 9 8M5.5 9.5v11h13v-11M10 20.5v-6h4v6"),
            Icon::Button => {
                path(out, "M2.5 12a9.5 9.5 0 1 0 19 0a9.5 9.5 0 1 0-19 0");
                let _ = write!(out, "<circle cx='12' cy='12' r='5' fill='{}' stroke='none'/>", colour.hex());
            }
            Icon::Shield => path(out, "M12 2.5l8 3v6c0 4.8-3.3 8.5-8 10-4.7-1.5-8-5.2-8-10v-6z"),
            Icon::Again => path(out, "M19.6 14.5a8 8 0 1 1-1.4-7.3l1.8 1.8M20 3.8v5.2h-5.2"),
            Icon::Person => path(out, "M12 3.5a4 4 0 1 1 0 8a4 4 0 1 1 0-8M4 20.5c.7-4.2 3.8-6.3 8-6.3s7.3 2.1 8 6.3"),
            Icon::Hand => path(
                out,
                "M8 13v-7.6a1.35 1.35 0 0 1 2.7 0v5.1M10.7 10.5v-6.4a1.35 1.35 0 0 1 2.7 0v6.4M13.4 10.5v-5.1a1.35 1.35 0 0 1 \
                 2.7 0v6.1M16.1 9.4a1.35 1.35 0 0 1 2.7 0v5.6c0 3.8-2.5 6.2-6 6.2c-2.7 0-4.3-1.1-5.5-3.2l-2.7-4.4c-.9-1.6 \
                 1.1-2.8 2.2-1.5z",
            ),
            Icon::Tape => {
                path(out, "M2.5 11.5a4 4 0 1 0 8 0a4 4 0 1 0-8 0M13.5 11.5a4 4 0 1 0 8 0a4 4 0 1 0-8 0M6.5 15.5h11")
            }
            Icon::Weak => path(out, "M4.5 19.5v-4M9.5 19.5v-8M14.5 19.5v.05M19.5 19.5v.05"),
            Icon::Screen => path(out, "M3 4.5h18v12h-18zM8.5 20.5h7M12 16.5v4"),
            Icon::Chat => path(out, "M3.5 4.5h17v11.5h-9.5l-4.5 4v-4h-3z"),
            Icon::Rose => rose(out, colour, ground),
        }
    }
}

fn path(out: &mut String, data: &str) {
    let _ = write!(out, "<path d='{data}'/>");
}

/// A slash with a gap on its lower side, so that it stays a slash where it crosses lines.
fn struck(out: &mut String, data: &str, ground: Colour) {
    path(out, data);
    let _ = write!(out, "<path d='{SLASH}' stroke='{}' stroke-width='6' stroke-linecap='butt'/>", ground.hex());
    path(out, SLASH);
}

/// The heraldic rose: five petals, five smaller ones between them, a seed in the middle.
fn rose(out: &mut String, colour: Colour, ground: Colour) {
    petals(out, colour, ground, 0.0, 6.7, 4.7);
    seed(out, ground, 5.2);
    petals(out, colour, ground, 0.5, 2.7, 2.0);
    seed(out, ground, 1.3);
}

fn seed(out: &mut String, ground: Colour, radius: f32) {
    let _ = write!(out, "<circle cx='12' cy='12.5' r='{radius}' fill='{}' stroke='none'/>", ground.hex());
}

/// Five petals around the middle, parted by thin gaps; `turn` in fifths of a circle.
fn petals(out: &mut String, colour: Colour, ground: Colour, turn: f32, distance: f32, radius: f32) {
    let at = |petal: f32, distance: f32| {
        let angle = petal / 5.0 * std::f32::consts::TAU - std::f32::consts::FRAC_PI_2;
        (12.0 + distance * angle.cos(), 12.5 + distance * angle.sin())
    };
    for petal in 0..5 {
        let (x, y) = at(petal as f32 + turn, distance);
        let _ = write!(out, "<circle cx='{x:.3}' cy='{y:.3}' r='{radius}' fill='{}' stroke='none'/>", colour.hex());
    }
    for petal in 0..5 {
        let (x, y) = at(petal as f32 + turn + 0.5, distance + radius);
        let _ = write!(
            out,
            "<path d='M12 12.5L{x:.3} {y:.3}' stroke='{}' stroke-width='{:.2}' stroke-linecap='butt'/>",
            ground.hex(),
            0.5 + radius * 0.08
        );
    }
}
