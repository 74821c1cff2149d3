//! The camera: a table of kinds, and the one thread that opens and closes.
//!
//! The thread closes by itself at the edge ([`crate::cut`]), whatever the rest of the process is busy with.

mod decode;
mod libcamera;
mod pattern;
pub mod range;
mod sim;
mod source;
mod v4l2;

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use subrosa_board::CaptureSource;
use subrosa_messages::Capture;
use subrosa_messages::doctor::CameraModes;
use subrosa_messages::media::{CaptureHealth, MediaToRoom, Size};

use crate::Notify;
use crate::blur::Blur;
use crate::permit::Permit;
use crate::picture::Picture;
use crate::timebase::Timebase;

/// Why a camera does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CameraError {
    /// No node, or it has gone.
    #[error("no camera is there: plug it in, or correct `camera.nodes` in the board file")]
    Missing,
    /// The node could not be opened.
    #[error("the camera could not be opened: see the status page for what keeps it closed")]
    Open,
    /// It delivers nothing that can be used.
    #[error("the camera delivers neither raw pictures nor MJPEG: it cannot be used")]
    Format,
    /// It has stopped.
    #[error("the camera has failed: it is tried again")]
    Failed,
    /// GStreamer lacks an element.
    #[error("the camera needs a GStreamer plug-in that is not installed: run `make setup`")]
    Plugins,
    /// This build has no such kind of camera.
    #[error("the board file names a kind of camera that is none: use sim, v4l2, libcamera or pattern")]
    Kind,
}

/// A camera that is open. Dropping it closes every node.
pub trait Device: Send {
    /// Lets it run. The permit has been told that all is open, the gate is open.
    ///
    /// # Errors
    /// When it delivers nothing that can be used.
    fn start(&mut self) -> Result<(), CameraError>;
}

/// What a kind of camera gets to work with.
#[derive(Clone)]
pub struct Bench {
    /// Where frames go, stamped with their running time.
    pub picture: Picture,
    /// The clock.
    pub timebase: Timebase,
    /// What stands in front of the picture.
    pub blur: Blur,
    /// Called when it fails by itself.
    pub failed: Arc<dyn Fn(CameraError) + Send + Sync>,
    /// Where it says what it offers and what it was asked for, if that is a choice.
    pub modes: Modes,
}

/// What the camera offered when it was opened last, and what it was asked for.
pub type Modes = Arc<Mutex<Option<CameraModes>>>;

/// Opens all nodes of a permit.
type Open = fn(&Permit, &Bench) -> Result<Box<dyn Device>, CameraError>;

/// The table of kinds.
const KINDS: &[(CaptureSource, Open)] = &[
    (CaptureSource::Sim, sim::open),
    (CaptureSource::V4l2, v4l2::open),
    (CaptureSource::Libcamera, libcamera::open),
    (CaptureSource::Pattern, pattern::open),
];

enum Order {
    Open(Permit),
    Close,
    Failed(u64, CameraError),
    Frame(u64),
    Picture(Picture),
}

/// The room's camera. Every call returns at once.
pub struct Camera {
    orders: Sender<Order>,
    modes: Modes,
}

impl Camera {
    /// A closed camera of this kind.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn new(
        kind: CaptureSource,
        picture: &Picture,
        timebase: &Timebase,
        blur: &Blur,
        notify: Notify,
    ) -> std::io::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        let at_edge = orders.clone();
        picture.cut().when_closed(Box::new(move |_| {
            let _ends_with_the_process = at_edge.send(Order::Close);
        }));
        let modes = Modes::default();
        let mut desk = Desk {
            modes: modes.clone(),
            open: KINDS.iter().find(|row| row.0 == kind).map(|row| row.1),
            picture: picture.clone(),
            timebase: timebase.clone(),
            blur: blur.clone(),
            notify,
            orders: orders.clone(),
            held: None,
            number: 0,
        };
        thread::Builder::new().name("camera".into()).spawn(move || desk.work(&inbox))?;
        Ok(Camera { orders, modes })
    }

    /// What it offered when it was opened last, and what it was asked for.
    #[must_use]
    pub fn modes(&self) -> Option<CameraModes> {
        self.modes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens it under this permit.
    pub fn open(&self, permit: Permit) {
        let _lives_as_long = self.orders.send(Order::Open(permit));
    }

    /// Closes it.
    pub fn close(&self) {
        let _lives_as_long = self.orders.send(Order::Close);
    }

    /// Frames go to another picture from the next opening on.
    pub fn show_in(&self, picture: &Picture) {
        let _lives_as_long = self.orders.send(Order::Picture(picture.clone()));
    }
}

/// What is open. Fields are dropped in this order: the device first, then the permit, which tells the guard.
struct Held {
    _device: Box<dyn Device>,
    _permit: Permit,
}

struct Desk {
    open: Option<Open>,
    picture: Picture,
    timebase: Timebase,
    blur: Blur,
    notify: Notify,
    orders: Sender<Order>,
    held: Option<Held>,
    number: u64,
    modes: Modes,
}

impl Desk {
    fn work(&mut self, inbox: &Receiver<Order>) {
        while let Ok(order) = inbox.recv() {
            match order {
                Order::Open(permit) => self.open(permit),
                Order::Close => {
                    if self.held.take().is_some() {
                        self.blur.closed();
                        self.say(CaptureHealth::Closed);
                    }
                }
                Order::Failed(number, error) => {
                    if number == self.number && self.held.is_some() {
                        tracing::warn!("{error}");
                        self.picture.cut().close();
                        drop(self.held.take());
                        self.blur.closed();
                        self.say(health(error));
                    }
                }
                Order::Frame(number) => {
                    if number == self.number && self.held.is_some() {
                        self.say(CaptureHealth::Running);
                    }
                }
                Order::Picture(picture) => self.picture = picture,
            }
        }
    }

    fn open(&mut self, mut permit: Permit) {
        self.number += 1;
        if self.held.take().is_some() {
            self.blur.closed();
        }
        if permit.is_revoked() {
            drop(permit);
            self.say(CaptureHealth::Closed);
            return;
        }
        let bench = self.bench();
        match self.open.ok_or(CameraError::Kind).and_then(|open| open(&permit, &bench)) {
            Ok(mut device) => {
                permit.all_open();
                let started = self.picture.cut().open(&permit).then(|| device.start());
                match started {
                    Some(Ok(())) => self.held = Some(Held { _device: device, _permit: permit }),
                    Some(Err(error)) => {
                        tracing::warn!("{error}");
                        self.picture.cut().close();
                        drop((device, permit));
                        self.blur.closed();
                        self.say(health(error));
                    }
                    None => {
                        drop((device, permit));
                        self.blur.closed();
                        self.say(CaptureHealth::Closed);
                    }
                }
            }
            Err(error) => {
                tracing::warn!("{error}");
                permit.failed();
                self.blur.closed();
                self.say(health(error));
            }
        }
    }

    /// The device's own picture: the first frame that it lets through says that the camera runs.
    fn bench(&self) -> Bench {
        let (orders, number) = (self.orders.clone(), self.number);
        let failed = Arc::new(move |error| {
            let _lives_as_long = orders.send(Order::Failed(number, error));
        });
        let orders = self.orders.clone();
        self.picture.at_first_camera_frame(Box::new(move || {
            let _lives_as_long = orders.send(Order::Frame(number));
        }));
        Bench {
            picture: self.picture.clone(),
            timebase: self.timebase.clone(),
            blur: self.blur.clone(),
            failed,
            modes: self.modes.clone(),
        }
    }

    fn say(&self, state: CaptureHealth) {
        (self.notify)(MediaToRoom::Capture { capture: Capture::Camera, state });
    }
}

fn health(error: CameraError) -> CaptureHealth {
    match error {
        CameraError::Missing => CaptureHealth::Missing,
        CameraError::Open | CameraError::Format | CameraError::Failed | CameraError::Plugins | CameraError::Kind => {
            CaptureHealth::Failed
        }
    }
}

/// The size of the room's picture.
fn size(picture: &Picture) -> Size {
    Size { width: picture.info().width(), height: picture.info().height() }
}

#[cfg(test)]
mod tests;
