//! Draws the screen and the privacy card, on a thread of its own since a picture takes some milliseconds.

use std::io;
use std::sync::mpsc as blocking;
use std::thread;

use subrosa_messages::media::{Picture, Size};
use tokio::sync::mpsc;

use crate::language::Language;
use crate::screen::view::View;
use crate::screen::{CardReason, Fonts, card, draw, scene};

/// What is to be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commission {
    /// What the screen shows.
    pub view: View,
    /// What guests see instead of the camera.
    pub card: CardCommission,
}

/// A privacy card to be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardCommission {
    /// Its language.
    pub language: Language,
    /// What it says.
    pub reason: CardReason,
    /// Its size.
    pub size: Size,
}

/// What has been drawn.
pub enum Drawn {
    /// A screen.
    Screen {
        /// What stands behind the overlay.
        pictures: Vec<Picture>,
        /// The overlay.
        overlay: Pixels,
    },
    /// A card.
    Card(Pixels),
}

/// RGBA.
pub struct Pixels {
    /// Size.
    pub size: Size,
    /// Four bytes for each pixel.
    pub bytes: Vec<u8>,
}

/// Starts the thread. It draws the newest commission and skips those that were overtaken; what would look the same as
/// the last one is not drawn again. It ends when either channel is closed.
///
/// # Errors
/// When no thread can be started.
pub fn start(drawn: mpsc::Sender<Drawn>) -> io::Result<blocking::Sender<Commission>> {
    let (commissions, to_draw) = blocking::channel();
    thread::Builder::new().name("screen".to_owned()).spawn(move || match Fonts::load() {
        Ok(fonts) => work(&fonts, &to_draw, &drawn),
        Err(error) => tracing::error!("screen and privacy card stay empty: {error}"),
    })?;
    Ok(commissions)
}

fn work(fonts: &Fonts, commissions: &blocking::Receiver<Commission>, drawn: &mpsc::Sender<Drawn>) {
    let (mut last_scene, mut last_card) = (None, None);
    while let Ok(mut commission) = commissions.recv() {
        while let Ok(newer) = commissions.try_recv() {
            commission = newer;
        }
        let Commission { view, card: asked } = commission;
        if last_card != Some(asked) {
            let bytes = card(asked.language, asked.reason, asked.size, fonts);
            if drawn.blocking_send(Drawn::Card(Pixels { size: asked.size, bytes })).is_err() {
                return;
            }
            last_card = Some(asked);
        }
        let size = view.size;
        let scene = scene(&view, fonts);
        if last_scene.as_ref() != Some(&scene) {
            let overlay = Pixels { size, bytes: draw(&scene, fonts) };
            if drawn.blocking_send(Drawn::Screen { pictures: scene.pictures.clone(), overlay }).is_err() {
                return;
            }
            last_scene = Some(scene);
        }
    }
}
