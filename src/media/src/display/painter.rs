//! The thread that paints the screen.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use subrosa_messages::media::{MediaToRoom, Rectangle, Size};
use subrosa_process::run_dir::RunDir;

use super::DisplayError;
use super::canvas::{Canvas, Placed};
use super::picture::Picture;
use super::retry::Retry;
use super::rhythm::{Event, Rhythm};
use super::screen::{Row, Screen, ScreenError, row};
use super::wake::Wake;
use crate::Notify;
use crate::inbound::Inbound;
use crate::timebase::Timebase;

/// What the thread was told and has not done yet. Each replaces the one before.
#[derive(Default)]
struct Told {
    show: Option<Vec<(Inbound, Rectangle)>>,
    overlay: Option<(Size, Vec<u8>)>,
    end: bool,
}

/// Where orders are left for the thread.
#[derive(Clone)]
pub(super) struct Orders {
    told: Arc<Mutex<Told>>,
    wake: Wake,
}

impl Orders {
    pub fn new() -> io::Result<Self> {
        Ok(Orders { told: Arc::default(), wake: Wake::new()? })
    }

    pub fn show(&self, pictures: Vec<(Inbound, Rectangle)>) {
        self.told().show = Some(pictures);
        self.wake.wake();
    }

    pub fn overlay(&self, size: Size, rgba: Vec<u8>) {
        self.told().overlay = Some((size, rgba));
        self.wake.wake();
    }

    pub fn end(&self) {
        self.told().end = true;
        self.wake.wake();
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Painter {
    row: Row,
    run: RunDir,
    timebase: Timebase,
    notify: Notify,
    orders: Orders,
    canvas: Canvas,
    pictures: Vec<Picture>,
    rhythm: Rhythm,
    screen: Option<Box<dyn Screen>>,
    retry: Retry,
    complained: bool,
}

impl Painter {
    pub fn new(
        screen: &subrosa_board::Screen,
        run: &RunDir,
        size: Size,
        timebase: &Timebase,
        notify: Notify,
        orders: Orders,
    ) -> Result<Self, DisplayError> {
        let row = row(screen);
        let canvas = Canvas::new(size, row.range).ok_or(DisplayError::Size(size.width, size.height))?;
        let now = Instant::now();
        let mut rhythm = Rhythm::new(row.interval);
        rhythm.step(now, Event::Changed);
        Ok(Painter {
            row,
            run: run.clone(),
            timebase: timebase.clone(),
            notify,
            orders,
            canvas,
            pictures: Vec::new(),
            rhythm,
            screen: None,
            retry: Retry::new(now, row.again.0, row.again.1),
            complained: false,
        })
    }

    pub fn start(mut self) -> io::Result<JoinHandle<()>> {
        thread::Builder::new().name("screen".to_owned()).spawn(move || while self.turn() {})
    }

    /// One round: what was told, what has moved, painting if it is due, sleep. `false` at the end.
    fn turn(&mut self) -> bool {
        self.orders.wake.reset();
        let told = std::mem::take(&mut *self.orders.told());
        if told.end {
            return false;
        }
        if let Some(pictures) = told.show {
            self.arrange(pictures);
        }
        if let Some((size, rgba)) = told.overlay {
            if self.canvas.set_overlay(&rgba, size) {
                self.rhythm.step(Instant::now(), Event::Changed);
            } else {
                tracing::warn!("an overlay that is not of the screen's size is not shown");
            }
        }
        self.look();
        self.attend();
        self.paint();
        self.sleep();
        true
    }

    fn arrange(&mut self, wanted: Vec<(Inbound, Rectangle)>) {
        let mut rest = std::mem::take(&mut self.pictures);
        for (inbound, place) in wanted {
            let known = rest.iter().position(|picture| picture.shows(&inbound));
            if let Some(known) = known {
                let mut picture = rest.swap_remove(known);
                picture.place = place;
                self.pictures.push(picture);
                continue;
            }
            match Picture::new(inbound, place, &self.orders.wake, &self.timebase) {
                Ok(picture) => self.pictures.push(picture),
                Err(error) => tracing::warn!("a picture is not shown: {error}"),
            }
        }
        for gone in rest {
            if gone.is_moving() {
                (self.notify)(MediaToRoom::Picture { track: gone.inbound.track.clone(), moving: false });
            }
        }
        self.rhythm.step(Instant::now(), Event::Changed);
    }

    fn look(&mut self) {
        let now = Instant::now();
        for picture in &mut self.pictures {
            let look = picture.look(now);
            if look.changed {
                self.rhythm.step(now, Event::Moved);
            }
            if let Some(moving) = look.moving {
                (self.notify)(MediaToRoom::Picture { track: picture.inbound.track.clone(), moving });
            }
            if picture.is_broken(now) {
                match Picture::new(picture.inbound.clone(), picture.place, &self.orders.wake, &self.timebase) {
                    Ok(again) => picture.replace_decoder(again),
                    Err(error) => tracing::warn!("a picture is not shown: {error}"),
                }
            }
        }
    }

    fn attend(&mut self) {
        if let Some(screen) = &mut self.screen
            && let Err(error) = screen.attend()
        {
            self.lose(&error);
        }
        let now = Instant::now();
        if self.retry.at().is_none_or(|at| at > now) {
            return;
        }
        match (self.row.open)(&self.run, self.canvas.info()) {
            Ok(screen) => {
                self.screen = Some(screen);
                self.retry.opened(now);
                self.rhythm.step(now, Event::Changed);
            }
            Err(error) => {
                self.complain(&error);
                self.retry.failed(now);
            }
        }
    }

    fn lose(&mut self, error: &ScreenError) {
        self.screen = None;
        if self.retry.lost(Instant::now()) {
            self.complained = false;
        }
        self.complain(error);
    }

    fn complain(&mut self, error: &ScreenError) {
        if !std::mem::replace(&mut self.complained, true) {
            tracing::warn!("{error}; tried again by itself");
        }
    }

    fn paint(&mut self) {
        let now = Instant::now();
        let Some(screen) = &mut self.screen else { return };
        if screen.is_busy() || self.rhythm.due().is_none_or(|due| due > now) {
            return;
        }
        let mut placed: Vec<_> = self
            .pictures
            .iter_mut()
            .filter_map(|picture| {
                let sample = picture.current.as_ref()?;
                Some((Placed { sample, place: picture.place }, &mut picture.scaler))
            })
            .collect();
        let Some(picture) = self.canvas.paint(&mut placed) else {
            tracing::warn!("the screen could not be painted");
            return self.rhythm.step(now, Event::Painted);
        };
        self.rhythm.step(now, Event::Painted);
        if let Err(error) = screen.show(picture) {
            self.lose(&error);
            self.rhythm.step(now, Event::Changed);
        }
    }

    fn sleep(&self) {
        let busy = self.screen.as_ref().is_some_and(|screen| screen.is_busy());
        let painting = if self.screen.is_some() && !busy { self.rhythm.due() } else { None };
        let deadline = self.pictures.iter().filter_map(Picture::deadline).chain(painting).chain(self.retry.at()).min();
        let wait = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let wait = wait.and_then(|wait| Timespec::try_from(wait).ok());
        let mut events = vec![PollFd::from_borrowed_fd(self.orders.wake.fd(), PollFlags::IN)];
        if let Some(socket) = self.screen.as_ref().and_then(|screen| screen.socket()) {
            let wanted = if busy { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
            events.push(PollFd::from_borrowed_fd(socket, wanted));
        }
        let _interrupted = poll(&mut events, wait.as_ref());
    }
}
