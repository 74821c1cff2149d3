//! What is where on the screen: plain values that a test can look at. Made by [`scene`], drawn by `draw`.

use subrosa_messages::Pii;
use subrosa_messages::media::{Picture, Rectangle, Size};

use super::call::Side;
use super::code::Modules;
use super::fonts::{Fonts, Weight};
use super::icon::{Icon, Look};
use super::palette::Colour;
use super::sheet::Sheet;
use super::view::{Phase, View};
use super::{asleep, awake, call, faults, joined, joining, lamps, proposed};

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Area {
    /// From the left edge.
    pub x: f32,
    /// From the upper edge.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

impl Area {
    /// The right edge.
    #[must_use]
    pub fn right(&self) -> f32 {
        self.x + self.width
    }

    /// The lower edge.
    #[must_use]
    pub fn bottom(&self) -> f32 {
        self.y + self.height
    }

    /// The same place, smaller by a margin on each side.
    #[must_use]
    pub fn inset(&self, margin: f32) -> Area {
        Area {
            x: self.x + margin,
            y: self.y + margin,
            width: (self.width - 2.0 * margin).max(0.0),
            height: (self.height - 2.0 * margin).max(0.0),
        }
    }

    /// The two have more than an edge in common.
    #[must_use]
    pub fn overlaps(&self, other: &Area) -> bool {
        self.x < other.right() && other.x < self.right() && self.y < other.bottom() && other.y < self.bottom()
    }

    /// The other one lies inside.
    #[must_use]
    pub fn contains(&self, other: &Area) -> bool {
        self.x <= other.x && self.y <= other.y && self.right() >= other.right() && self.bottom() >= other.bottom()
    }
}

impl From<Rectangle> for Area {
    fn from(rectangle: Rectangle) -> Self {
        Area {
            x: rectangle.x as f32,
            y: rectangle.y as f32,
            width: rectangle.width as f32,
            height: rectangle.height as f32,
        }
    }
}

/// On which side of its `x` a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// To its right.
    Start,
    /// On both sides.
    Middle,
    /// To its left.
    End,
}

/// One thing on the screen.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A rectangle behind other things.
    Panel {
        /// Where.
        area: Area,
        /// Its colour.
        fill: Option<Colour>,
        /// Colour and width of its edge.
        edge: Option<(Colour, f32)>,
        /// Of the corners.
        radius: f32,
    },
    /// One line of text.
    Text {
        /// The text.
        content: Pii<String>,
        /// Its anchor.
        x: f32,
        /// What its letters stand on.
        baseline: f32,
        /// Its size (em) in pixels.
        size: f32,
        /// Its weight.
        weight: Weight,
        /// Its colour.
        colour: Colour,
        /// On which side of `x` it stands.
        anchor: Anchor,
        /// Its measured width in pixels.
        width: f32,
    },
    /// A pictogram.
    Icon {
        /// Which.
        icon: Icon,
        /// Where; a square.
        area: Area,
        /// How.
        look: Look,
    },
    /// A QR code with its quiet zone.
    Code {
        /// Where, quiet zone included; a square.
        area: Area,
        /// Its modules.
        modules: Pii<Modules>,
    },
}

impl Item {
    /// The place it takes; a text's is its line.
    #[must_use]
    pub fn area(&self) -> Area {
        match self {
            Item::Panel { area, .. } | Item::Icon { area, .. } | Item::Code { area, .. } => *area,
            Item::Text { x, baseline, size, width, anchor, .. } => {
                let left = match anchor {
                    Anchor::Start => *x,
                    Anchor::Middle => x - width / 2.0,
                    Anchor::End => x - width,
                };
                // Ascenders and descenders of Inter, accents on capitals included.
                Area { x: left, y: baseline - 0.95 * size, width: *width, height: 1.18 * size }
            }
        }
    }
}

/// A screen, laid out.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Its size in pixels.
    pub size: Size,
    /// What is on the overlay, from back to front.
    pub items: Vec<Item>,
    /// The guests' pictures behind it.
    pub pictures: Vec<Picture>,
    /// Where the overlay lets them through: the places of those that move.
    pub windows: Vec<Rectangle>,
    /// Our own texts that did not fit and were shortened; names and links that were shortened are not counted. Not
    /// zero only on screens narrower than the design foresees.
    pub shortened: u32,
}

/// Lays out what the screen shows.
#[must_use]
pub fn scene(view: &View, fonts: &Fonts) -> Scene {
    let mut sheet = Sheet::new(view.size, view.language, fonts);
    let above_lamps = lamps::place(&mut sheet, view);
    let free = faults::place(&mut sheet, view, above_lamps);
    match &view.phase {
        Phase::Asleep => asleep::place(&mut sheet, view, free),
        Phase::Awake { invitation, meeting } => awake::place(&mut sheet, view, (invitation, meeting), free),
        Phase::Asking { names, invitation, guests, meeting, encryption: _ } if guests.is_empty() => {
            awake::place_asking(&mut sheet, names, (invitation, meeting), free);
        }
        Phase::Asking { names, invitation, guests, meeting, encryption: _ } => {
            call::place(&mut sheet, guests, (invitation, meeting), Side::Door(names), false, free);
        }
        Phase::InCall { guests, invitation, meeting, encryption: _, media_restarting } => {
            let side = view.remote.code.as_ref().map_or(Side::Nothing, Side::Phone);
            call::place(&mut sheet, guests, (invitation, meeting), side, *media_restarting, free);
        }
        Phase::Proposed { meeting } => proposed::place(&mut sheet, meeting, free),
        Phase::Joining { host, says } => joining::place(&mut sheet, host, *says, view.remote.phones > 0, free),
        Phase::Joined { meeting, media_restarting } => joined::place(&mut sheet, meeting, *media_restarting, free),
    }
    sheet.into_scene()
}
