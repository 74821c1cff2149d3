//! A sheet to lay things out on, in units of the design: at least 1920 wide and 1080 high whatever the screen's size,
//! so that what fits there fits everywhere.

use subrosa_messages::Pii;
use subrosa_messages::media::{Picture, Rectangle, Size, TrackId};

use super::code::Modules;
use super::fonts::{Fonts, Weight};
use super::icon::{Icon, Look};
use super::label::{self, Breaks};
use super::palette::Colour;
use super::scene::{Anchor, Area, Item, Scene};
use super::text::Words;
use crate::language::Language;

/// The smallest text, 3.8 % of the height of a 16:9 screen: capitals of 18.9 mm on 55 inches, which is 16 minutes of arc
/// from 4 m, the least that ISO 9241-303 allows.
pub(super) const SMALL: f32 = 41.5;

/// The margin around everything.
pub(super) const MARGIN: f32 = 44.0;

/// From the top of one line to the next, in sizes of the text.
const LEADING: f32 = 1.22;

/// From the top of a line to what its letters stand on.
const ASCENT: f32 = 0.97;

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub size: f32,
    pub weight: Weight,
    pub colour: Colour,
}

impl Style {
    pub const fn new(size: f32, weight: Weight, colour: Colour) -> Self {
        Style { size, weight, colour }
    }

    /// The second line under something, in the smallest size.
    pub const DIM: Style = Style::new(SMALL, Weight::Regular, Colour::PaperDim);

    /// A word that says a state, or the head of a short paragraph.
    pub const WORD: Style = Style::new(42.5, Weight::SemiBold, Colour::Paper);

    /// The height of so many lines.
    pub fn lines(self, count: usize) -> f32 {
        self.size * LEADING * count as f32
    }
}

/// What a screen of some size is in units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground {
    /// Pixels in a unit.
    unit: f32,
    pub width: f32,
    pub height: f32,
}

impl Ground {
    pub fn of(size: Size) -> Self {
        let (width, height) = (size.width.max(16) as f32, size.height.max(9) as f32);
        let unit = (width / 1920.0).min(height / 1080.0);
        Ground { unit, width: width / unit, height: height / unit }
    }

    /// Everything within the margin.
    pub fn all(self) -> Area {
        Area { x: 0.0, y: 0.0, width: self.width, height: self.height }.inset(MARGIN)
    }

    fn pixels(self, area: Area) -> Area {
        let unit = self.unit;
        Area { x: area.x * unit, y: area.y * unit, width: area.width * unit, height: area.height * unit }
    }

    /// The place of a picture in pixels: even numbers, since colours are stored for two by two of them.
    pub fn picture(self, area: Area) -> Rectangle {
        let area = self.pixels(area);
        let even = |value: f32| (value / 2.0).floor().max(0.0) as u32 * 2;
        Rectangle {
            x: even(area.x + 1.0),
            y: even(area.y + 1.0),
            width: even(area.width).max(2),
            height: even(area.height).max(2),
        }
    }
}

/// Who wrote a text: ours must fit, a stranger's is shortened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Us,
    Outside,
}

pub(super) struct Sheet<'a> {
    fonts: &'a Fonts,
    pub ground: Ground,
    pub words: Words,
    pub width: f32,
    pub height: f32,
    scene: Scene,
}

impl<'a> Sheet<'a> {
    pub fn new(size: Size, language: Language, fonts: &'a Fonts) -> Self {
        let ground = Ground::of(size);
        Sheet {
            fonts,
            ground,
            words: Words(language),
            width: ground.width,
            height: ground.height,
            scene: Scene { size, items: Vec::new(), pictures: Vec::new(), windows: Vec::new(), shortened: 0 },
        }
    }

    pub fn into_scene(self) -> Scene {
        self.scene
    }

    /// Everything within the margin.
    pub fn all(&self) -> Area {
        self.ground.all()
    }

    fn pixels(&self, area: Area) -> Area {
        self.ground.pixels(area)
    }

    pub fn panel(&mut self, area: Area, fill: Option<Colour>, edge: Option<Colour>, radius: f32) {
        let item = Item::Panel {
            area: self.pixels(area),
            fill,
            edge: edge.map(|colour| (colour, 2.0 * self.ground.unit)),
            radius: radius * self.ground.unit,
        };
        self.scene.items.push(item);
    }

    /// A thin line across.
    pub fn rule(&mut self, x: f32, y: f32, width: f32) {
        self.panel(Area { x, y, width, height: 2.0 }, Some(Colour::Rule), None, 0.0);
    }

    pub fn icon(&mut self, icon: Icon, x: f32, y: f32, side: f32, look: Look) {
        let area = self.pixels(Area { x, y, width: side, height: side });
        self.scene.items.push(Item::Icon { icon, area, look });
    }

    /// A QR code; the largest square that fits, at the upper left. `false`: the text has none.
    pub fn code(&mut self, text: &str, area: Area) -> bool {
        let Some(modules) = Modules::of(text) else { return false };
        let side = area.width.min(area.height);
        let area = self.pixels(Area { width: side, height: side, ..area });
        self.scene.items.push(Item::Code { area, modules: Pii::new(modules) });
        true
    }

    /// How wide a text is, in units.
    pub fn measure(&self, text: &str, style: Style) -> f32 {
        self.fonts.width(text, style.weight) * style.size
    }

    /// One line at most `width` wide, from the left; its width.
    pub fn line(&mut self, x: f32, top: f32, width: f32, text: &str, style: Style, from: From) -> f32 {
        self.one_line((x, top, Anchor::Start), width, text, style, from)
    }

    /// One line at most `width` wide that ends at `x`; its width.
    pub fn line_to(&mut self, x: f32, top: f32, width: f32, text: &str, style: Style, from: From) -> f32 {
        self.one_line((x, top, Anchor::End), width, text, style, from)
    }

    /// A host on one line at most `width` wide, from the left; its end stays.
    pub fn host(&mut self, x: f32, top: f32, width: f32, host: &str, style: Style) -> f32 {
        let (shown, measured) = label::shortened_host(self.fonts, host, style.weight, width / style.size);
        self.push(x, top, Anchor::Start, shown, measured, style)
    }

    fn one_line(&mut self, at: (f32, f32, Anchor), width: f32, text: &str, style: Style, from: From) -> f32 {
        let (shown, measured) = label::shortened(self.fonts, text, style.weight, width / style.size);
        if from == From::Us && shown != text {
            self.scene.shortened += 1;
        }
        let (x, top, anchor) = at;
        self.push(x, top, anchor, shown, measured, style)
    }

    fn push(&mut self, x: f32, top: f32, anchor: Anchor, text: String, em: f32, style: Style) -> f32 {
        let width = em * style.size;
        if text.is_empty() {
            return 0.0;
        }
        self.scene.items.push(Item::Text {
            content: Pii::new(text),
            x: x * self.ground.unit,
            baseline: (top + ASCENT * style.size) * self.ground.unit,
            size: style.size * self.ground.unit,
            weight: style.weight,
            colour: style.colour,
            anchor,
            width: width * self.ground.unit,
        });
        width
    }

    /// The lines that a paragraph of this width takes.
    pub fn paragraph(&self, text: &str, style: Style, width: f32, most: usize, breaks: Breaks) -> Paragraph {
        let (lines, left_out) = label::wrapped(self.fonts, text, style.weight, width / style.size, most, breaks);
        Paragraph { lines, left_out, style }
    }

    /// Writes a paragraph; its height.
    pub fn write(&mut self, x: f32, top: f32, anchor: Anchor, paragraph: Paragraph, from: From) -> f32 {
        let height = paragraph.height();
        let style = paragraph.style;
        if paragraph.left_out && from == From::Us {
            self.scene.shortened += 1;
        }
        for (index, (line, em)) in paragraph.lines.into_iter().enumerate() {
            self.push(x, top + style.lines(index), anchor, line, em, style);
        }
        height
    }

    /// One of our own paragraphs, from the left; its height.
    pub fn say(&mut self, x: f32, top: f32, width: f32, text: &str, style: Style, most: usize) -> f32 {
        let paragraph = self.paragraph(text, style, width, most, Breaks::Words);
        self.write(x, top, Anchor::Start, paragraph, From::Us)
    }

    /// Somebody's picture. `moving`: the overlay lets it through.
    pub fn picture(&mut self, track: &TrackId, area: Area, moving: bool) {
        let place = self.ground.picture(area);
        self.scene.pictures.push(Picture { track: track.clone(), place });
        if moving {
            self.scene.windows.push(place);
        }
    }
}

/// A paragraph that has been broken into lines and not been placed yet.
pub(super) struct Paragraph {
    lines: Vec<(String, f32)>,
    left_out: bool,
    style: Style,
}

impl Paragraph {
    /// Nothing of it had to be left out.
    pub fn is_whole(&self) -> bool {
        !self.left_out
    }

    pub fn height(&self) -> f32 {
        self.style.lines(self.lines.len())
    }
}
