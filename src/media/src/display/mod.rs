//! The room's screen: pictures of guests, decoded only while they are shown, behind the overlay that the room draws.
//!
//! ```text
//! links → decoder (per shown track) → newest frame ┐
//!                                      overlay ────┴→ canvas → screen (row)
//! ```
//!
//! One thread paints, and only when something has changed: while nothing moves nothing here wakes up. There is no
//! `compositor` element: it runs at its own rate whether anything moves or not, keeps every picture back for its
//! latency, and blends the whole screen for one picture in a corner of it.

use std::io;
use std::thread::JoinHandle;

use subrosa_messages::media::{Rectangle, Size};
use subrosa_process::run_dir::RunDir;

use crate::Notify;
use crate::inbound::Inbound;
use crate::timebase::Timebase;

pub mod canvas;
pub mod fit;
pub mod jpeg;
pub mod overlay;
mod painter;
mod picture;
pub mod retry;
pub mod rhythm;
mod screen;
#[cfg(test)]
mod tests;
mod wake;

use painter::{Orders, Painter};

/// Why the display cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum DisplayError {
    /// GStreamer lacks an element.
    #[error("the screen needs the GStreamer element {0}: `make setup` installs it")]
    Element(&'static str),
    /// A pipeline could not be put together or failed.
    #[error("a pipeline of the screen failed: is the installed GStreamer complete (`make setup`)?")]
    Pipeline,
    /// A track of sound cannot be shown.
    #[error("this track is sound, not a picture")]
    NotAPicture,
    /// The size is not even, or nothing.
    #[error("a screen of {0} × {1} pixels cannot be used: width and height must be even")]
    Size(u32, u32),
    /// No thread, or no descriptor to wake it with.
    #[error("there is no thread for the screen: the machine has too many processes or open files")]
    Thread(#[source] io::Error),
}

/// The room's screen.
pub struct Display {
    orders: Orders,
    thread: Option<JoinHandle<()>>,
}

impl Display {
    /// The screen of a board, black. It is tried again for as long as it is not there.
    ///
    /// # Errors
    /// When the size is odd or there is no thread.
    pub fn new(
        screen: &subrosa_board::Screen,
        run: &RunDir,
        size: Size,
        timebase: &Timebase,
        notify: Notify,
    ) -> Result<Self, DisplayError> {
        let orders = Orders::new().map_err(DisplayError::Thread)?;
        let painter = Painter::new(screen, run, size, timebase, notify, orders.clone())?;
        let thread = painter.start().map_err(DisplayError::Thread)?;
        Ok(Display { orders, thread: Some(thread) })
    }

    /// Shows exactly these from now on, from back to front, each in its place.
    pub fn show(&self, pictures: Vec<(Inbound, Rectangle)>) {
        self.orders.show(pictures);
    }

    /// Replaces the overlay: RGBA (sRGB, straight alpha) of the screen's size.
    pub fn overlay(&self, size: Size, rgba: Vec<u8>) {
        self.orders.overlay(size, rgba);
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.orders.end();
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}
