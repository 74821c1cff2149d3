//! What stands behind people is hidden (P4): what the room wants, what the live element says, and what follows from both.
//!
//! The element [`gstsubrosablur`] sits in the camera's pipeline ([`crate::camera`]), one for each opening. It lets no frame
//! pass for which it has no fresh mask; here its word becomes the privacy card and what the room is told.

pub mod segmenter;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use gst::prelude::*;
use gstreamer as gst;
use gstsubrosablur::{Fault, Mode, Reason};
use subrosa_board::BlurBoard;
use subrosa_messages::media::{Background, BackgroundState, Cover, Size};

use segmenter::Place;

/// Tells what becomes of what stands behind people. Never blocks; may be called from any thread.
pub type Tell = Arc<dyn Fn(BackgroundState) + Send + Sync>;

/// Why a picture of the operator's is not used.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The pixels are not what was announced.
    #[error(
        "a background of {width}×{height} came with {actual} bytes: room and media are not of one version; it stays as it was"
    )]
    Length {
        /// Announced width.
        width: u32,
        /// Announced height.
        height: u32,
        /// Bytes that came.
        actual: usize,
    },
}

/// The blur of the room's camera. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Blur(Arc<Inner>);

struct Inner {
    board: BlurBoard,
    place: Place,
    tell: Tell,
    state: Mutex<State>,
}

struct State {
    wanted: Background,
    picture: Option<(Size, Vec<u8>)>,
    revealed_until: Option<Instant>,
    element: gst::glib::WeakRef<gstsubrosablur::Blur>,
    /// What keeps the live element from letting frames pass.
    covered: Option<Cover>,
    /// What was found when the model was last tried.
    fault: Option<Cover>,
    told: Option<Told>,
}

/// What was told last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    AsItIs,
    Hidden,
    Revealed(Instant),
    Covered(Cover),
}

impl State {
    fn is(&self) -> Told {
        let alive = self.element.upgrade().is_some();
        match (self.revealed_until, self.wanted.hides(), self.covered.filter(|_| alive).or(self.fault)) {
            (Some(until), _, _) => Told::Revealed(until),
            (None, false, _) => Told::AsItIs,
            (None, true, Some(cover)) => Told::Covered(cover),
            (None, true, None) => Told::Hidden,
        }
    }

    /// Brings the live element in line. The picture and the colour first: the mode that shows them comes last.
    fn apply(&self) {
        let Some(element) = self.element.upgrade() else { return };
        if let Some((size, rgba)) = &self.picture
            && element.set_picture((size.width as usize, size.height as usize), rgba.clone()).is_err()
        {
            tracing::warn!("the background picture cannot be used; a colour is shown");
        }
        if let Background::Colour { red, green, blue } = self.wanted {
            element.set_property("colour", u32::from_be_bytes([0, red, green, blue]));
        }
        element.set_property("mode", self.mode());
    }

    fn mode(&self) -> Mode {
        match self.wanted {
            _ if self.revealed_until.is_some() => Mode::Off,
            Background::AsItIs => Mode::Off,
            Background::Light => Mode::Light,
            Background::Strong => Mode::Strong,
            Background::Picture => Mode::Image,
            Background::Colour { .. } => Mode::Colour,
        }
    }
}

impl Blur {
    /// The blur of a board. Until the room says something else, everything is blurred strongly.
    #[must_use]
    pub fn new(board: &BlurBoard, place: Place, tell: Tell) -> Self {
        let state = State {
            wanted: Background::Strong,
            picture: None,
            revealed_until: None,
            element: gst::glib::WeakRef::new(),
            covered: None,
            fault: None,
            told: None,
        };
        Blur(Arc::new(Inner { board: board.clone(), place, tell, state: Mutex::new(state) }))
    }

    /// What is sent in place of what stands behind people. With a picture `rgba` holds it. The answer is always told.
    ///
    /// # Errors
    /// When the picture is not of the size that was announced; nothing changes then.
    pub fn hide(&self, background: Background, size: Size, rgba: Vec<u8>) -> Result<(), PictureError> {
        let picture = background == Background::Picture;
        if picture && (rgba.len() as u64 != u64::from(size.width) * u64::from(size.height) * 4 || rgba.is_empty()) {
            return Err(PictureError::Length { width: size.width, height: size.height, actual: rgba.len() });
        }
        let mut state = self.lock();
        state.wanted = background;
        state.picture = picture.then_some((size, rgba));
        state.revealed_until = None;
        state.told = None;
        state.apply();
        self.say(state);
        if background.hides() {
            self.try_model();
        }
        Ok(())
    }

    /// The room is another one, or gone: what it wanted counts no more.
    pub fn forget(&self) {
        let mut state = self.lock();
        (state.wanted, state.picture, state.revealed_until) = (Background::Strong, None, None);
        state.apply();
        self.say(state);
    }

    /// Shows everything, until then at the latest: whoever says so also says [`Blur::cover`] in time.
    pub fn uncover(&self, until: Instant) {
        self.reveal(Some(until));
    }

    /// Hides again what [`Blur::uncover`] has shown.
    pub fn cover(&self) {
        self.reveal(None);
    }

    fn reveal(&self, until: Option<Instant>) {
        let mut state = self.lock();
        state.revealed_until = until;
        state.apply();
        self.say(state);
    }

    /// An element for a camera that opens. No frame passes it before people have been looked for, if anything is hidden.
    ///
    /// # Errors
    /// When the element is not registered.
    pub fn element(&self) -> Result<gst::Element, gst::glib::BoolError> {
        let element = gst::ElementFactory::make("subrosablur").build()?;
        let blur = element
            .clone()
            .downcast::<gstsubrosablur::Blur>()
            .map_err(|_| gst::glib::bool_error!("another plug-in calls its element subrosablur"))?;
        blur.set_property("cadence", self.0.board.cadence);
        blur.set_property("budget", self.0.board.budget);
        let (kind, place) = (self.0.board.segmenter, self.0.place.clone());
        blur.set_segmenter(move || segmenter::make(kind, &place));
        let mut state = self.lock();
        state.element.set(Some(&blur));
        state.covered = Some(Cover::Starting);
        state.apply();
        self.say(state);
        Ok(element)
    }

    /// The camera with this element has closed.
    pub fn closed(&self) {
        let mut state = self.lock();
        state.element.set(None);
        state.covered = None;
        self.say(state);
    }

    /// Hears what an element says on its bus. `true`: nothing passes any more, the card is due.
    #[must_use]
    pub fn heard(&self, message: &gst::MessageRef) -> bool {
        let Some(said) = message.structure().filter(|said| said.name() == gstsubrosablur::MESSAGE) else {
            return false;
        };
        let mut state = self.lock();
        if message.src() != state.element.upgrade().as_ref().map(|element| element.upcast_ref()) {
            // A camera that is being closed.
            return false;
        }
        let covered = match said.get::<&str>("state") {
            Ok("clear" | "off") => None,
            // Anything else is not clear.
            _ => Some(
                said.get::<&str>("reason").ok().and_then(|reason| reason.parse().ok()).map_or(Cover::Failed, cover),
            ),
        };
        state.covered = covered;
        if covered.is_none() && state.mode() != Mode::Off {
            state.fault = None;
        }
        self.say(state);
        covered.is_some()
    }

    /// The share of the camera's lines that its element asks for, if this says so: the board's budget is not kept otherwise.
    #[must_use]
    pub fn wishes(&self, message: &gst::MessageRef) -> Option<gst::Fraction> {
        let said = message.structure().filter(|said| said.name() == gstsubrosablur::SIZE_MESSAGE)?;
        let live = self.lock().element.upgrade()?;
        (message.src() == Some(live.upcast_ref())).then(|| said.get("lines").ok()).flatten()
    }

    /// Finds out, on a thread of its own, whether the model can be used: to be said before anybody calls.
    fn try_model(&self) {
        let blur = self.clone();
        let found = move || {
            let fault = segmenter::make(blur.0.board.segmenter, &blur.0.place).err().map(|fault| {
                tracing::warn!("nothing of the camera is sent until its background can be hidden: {fault}");
                of_fault(fault)
            });
            let mut state = blur.lock();
            state.fault = fault;
            blur.say(state);
        };
        if thread::Builder::new().name("model".into()).spawn(found).is_err() {
            tracing::warn!("no thread: whether the model can be used is found out with the first frame");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what has changed.
    fn say(&self, mut state: MutexGuard<'_, State>) {
        let is = state.is();
        if state.told.replace(is) == Some(is) {
            return;
        }
        // Still under the lock: two changes are told in their order.
        (self.0.tell)(match is {
            Told::AsItIs => BackgroundState::AsItIs,
            Told::Hidden => BackgroundState::Hidden,
            Told::Covered(cover) => BackgroundState::Covered(cover),
            Told::Revealed(until) => {
                let left = until.saturating_duration_since(Instant::now());
                BackgroundState::Revealed { left_ms: u32::try_from(left.as_millis()).unwrap_or(u32::MAX) }
            }
        });
    }
}

fn cover(reason: Reason) -> Cover {
    match reason {
        Reason::Starting => Cover::Starting,
        Reason::Late => Cover::Late,
        Reason::Doubtful => Cover::Doubtful,
        Reason::Failed => Cover::Failed,
        Reason::ModelMissing => Cover::ModelMissing,
        Reason::ModelDamaged => Cover::ModelDamaged,
    }
}

fn of_fault(fault: Fault) -> Cover {
    match fault {
        Fault::Missing => Cover::ModelMissing,
        Fault::Damaged => Cover::ModelDamaged,
        Fault::Ended => Cover::Failed,
    }
}

#[cfg(test)]
pub(crate) mod tests;
