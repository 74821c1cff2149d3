//! A [`Scene`] as pixels.

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::Tree;
use subrosa_messages::media::{Rectangle, Size};

use super::fonts::Fonts;
use super::palette::Colour;
use super::scene::Scene;
use super::svg;

/// Draws a scene: RGBA (sRGB, straight alpha), `size.width * size.height * 4` bytes. Transparent where guests' pictures
/// move behind it, opaque everywhere else. If it cannot be drawn, the ground alone.
#[must_use]
pub fn draw(scene: &Scene, fonts: &Fonts) -> Vec<u8> {
    let Some(mut pixmap) = Pixmap::new(scene.size.width, scene.size.height) else {
        return plain(scene.size);
    };
    let [red, green, blue] = Colour::Ink.rgb();
    pixmap.fill(Color::from_rgba8(red, green, blue, 255));
    for window in &scene.windows {
        clear(pixmap.data_mut(), scene.size.width, *window);
    }
    match Tree::from_str(&svg::document(scene, fonts.family()), fonts.options()) {
        Ok(tree) => resvg::render(&tree, Transform::identity(), &mut pixmap.as_mut()),
        // The error may quote the document, and with it names.
        Err(_) => tracing::error!("the screen could not be drawn"),
    }
    // Every pixel is opaque or empty (nothing is drawn across the edge of a window), so straight alpha is what it has.
    pixmap.take()
}

/// The ground alone.
pub(super) fn plain(size: Size) -> Vec<u8> {
    let [red, green, blue] = Colour::Ink.rgb();
    [red, green, blue, 255].repeat(size.width as usize * size.height as usize)
}

fn clear(data: &mut [u8], width: u32, window: Rectangle) {
    let stride = width as usize * 4;
    let (from, to) = (window.x as usize * 4, (window.x as usize + window.width as usize) * 4);
    for row in data.chunks_exact_mut(stride.max(4)).skip(window.y as usize).take(window.height as usize) {
        if let Some(pixels) = row.get_mut(from..to.min(stride)) {
            pixels.fill(0);
        }
    }
}
