//! Writes a [`Scene`] as SVG 1.1. Everything that comes from outside passes [`escaped`].

use std::fmt::Write as _;

use super::fonts::Weight;
use super::icon::Look;
use super::palette::Colour;
use super::scene::{Anchor, Area, Item, Scene};

/// A text without what XML would take for markup, and without characters that XML 1.0 does not allow.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => {}
            other if other.is_control() => {}
            other => out.push(other),
        }
    }
    out
}

/// A document with one text of size 100, for measuring.
pub(super) fn measured(text: &str, weight: Weight, family: &str) -> String {
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'><text font-family='{}' font-size='100' \
         font-weight='{}' xml:space='preserve'>{}</text></svg>",
        escaped(family),
        weight.number(),
        escaped(text)
    )
}

/// The whole scene, without its ground.
pub(super) fn document(scene: &Scene, family: &str) -> String {
    let mut out = String::with_capacity(16 * 1024);
    // Writing to a String does not fail.
    let _ = write!(
        out,
        "<svg xmlns='http://www.w3.org/2000/svg' width='{0}' height='{1}' viewBox='0 0 {0} {1}' font-family='{2}'>",
        scene.size.width,
        scene.size.height,
        escaped(family)
    );
    for item in &scene.items {
        write_item(&mut out, item);
    }
    out.push_str("</svg>");
    out
}

fn write_item(out: &mut String, item: &Item) {
    match item {
        Item::Panel { area, fill, edge, radius } => {
            let stroke = edge.map_or_else(String::new, |(colour, width)| {
                format!(" stroke='{}' stroke-width='{width:.2}'", colour.hex())
            });
            let fill = fill.map_or_else(|| "none".to_owned(), Colour::hex);
            let Area { x, y, width, height } = area;
            let _ = write!(
                out,
                "<rect x='{x:.2}' y='{y:.2}' width='{width:.2}' height='{height:.2}' rx='{radius:.2}' fill='{fill}'{stroke}/>"
            );
        }
        Item::Text { content, x, baseline, size, weight, colour, anchor, .. } => {
            let anchor = match anchor {
                Anchor::Start => "start",
                Anchor::Middle => "middle",
                Anchor::End => "end",
            };
            let _ = write!(
                out,
                "<text x='{x:.2}' y='{baseline:.2}' font-size='{size:.2}' font-weight='{}' fill='{}' text-anchor='{anchor}' \
                 xml:space='preserve'>{}</text>",
                weight.number(),
                colour.hex(),
                escaped(content.reveal())
            );
        }
        Item::Icon { icon, area, look } => write_icon(out, *icon, area, *look),
        Item::Code { area, modules } => {
            let side = modules.reveal().side();
            // A whole number of pixels for each module keeps the edges sharp.
            let step = (area.width / (side as f32 + 2.0 * QUIET)).floor().max(1.0);
            let x = (area.x + (area.width - step * side as f32) / 2.0).round();
            let y = (area.y + (area.height - step * side as f32) / 2.0).round();
            let _ = write!(
                out,
                "<rect x='{:.2}' y='{:.2}' width='{:.2}' height='{:.2}' rx='{:.2}' fill='{}'/>\
                 <path shape-rendering='crispEdges' transform='translate({x} {y}) scale({step})' fill='{}' d='",
                area.x,
                area.y,
                area.width,
                area.height,
                step * 1.5,
                Colour::Paper.hex(),
                Colour::Ink.hex()
            );
            for (row, column, length) in modules.reveal().runs() {
                let _ = write!(out, "M{column} {row}h{length}v1h-{length}z");
            }
            out.push_str("'/>");
        }
    }
}

/// The quiet zone around a QR code, in modules (ISO/IEC 18004).
pub(super) const QUIET: f32 = 4.0;

fn write_icon(out: &mut String, icon: super::icon::Icon, area: &Area, look: Look) {
    let (scale, inset, stroke, ground) = match look {
        Look::Bare { colour, ground } => (area.width / 24.0, 0.0, colour, ground),
        Look::Filled { disc, glyph } => {
            let radius = area.width / 2.0;
            let _ = write!(
                out,
                "<circle cx='{:.2}' cy='{:.2}' r='{radius:.2}' fill='{}'/>",
                area.x + radius,
                area.y + radius,
                disc.hex()
            );
            (area.width * 0.62 / 24.0, area.width * 0.19, glyph, disc)
        }
        Look::Hollow { ring, glyph, ground } => {
            let radius = area.width / 2.0;
            let _ = write!(
                out,
                "<circle cx='{:.2}' cy='{:.2}' r='{:.2}' fill='none' stroke='{}' stroke-width='{:.2}'/>",
                area.x + radius,
                area.y + radius,
                radius * 0.94,
                ring.hex(),
                radius * 0.1
            );
            (area.width * 0.6 / 24.0, area.width * 0.2, glyph, ground)
        }
    };
    let _ = write!(
        out,
        "<g transform='translate({:.2} {:.2}) scale({scale:.4})' fill='none' stroke='{}' stroke-width='2' \
         stroke-linecap='round' stroke-linejoin='round'>",
        area.x + inset,
        area.y + inset,
        stroke.hex()
    );
    icon.write(out, stroke, ground);
    out.push_str("</g>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_forbidden_characters_do_not_get_through() {
        assert_eq!(escaped("<b>&\"'\u{0}\u{7}\u{ffff}ß"), "&lt;b&gt;&amp;&quot;&apos;ß");
    }
}
