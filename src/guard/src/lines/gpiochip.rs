//! Lines of the kernel's GPIO character devices: header pins of a board, pins of a USB adapter.
//!
//! Each line is requested by itself, so that one that is busy or missing does not take the others along. Chips are
//! found by label and lines by name, again every second for as long as one is missing: a USB adapter that was pulled
//! out comes back by itself. Levels are read, never derived from edges, so an overflowed queue of edges loses nothing.
//! (Linux, *GPIO character device userspace API*, `include/uapi/linux/gpio.h`.)

mod find;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread::sleep;
use std::time::Duration;

use gpiocdev::Request;
use gpiocdev::line::{EdgeDetection, Value};
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use subrosa_board::{Bias, Board, Drive, Gpiochip, InputLine, LinesBackend, OutputLine};
use subrosa_messages::guard::Lamp;
use subrosa_process::run_dir::RunDir;

use self::find::{Absent, Found, find};
use super::tick::Tick;
use super::{Lines, LinesError, ready};

/// As the kernel shows who uses a line (`gpioinfo`).
const CONSUMER: &str = "subrosa-guard";
/// How often lines without interrupts are read. A read over USB takes some milliseconds.
const PAUSE: Duration = Duration::from_millis(20);
/// How often an open-drain line is looked at until it has risen: half a millisecond, which is 10 kΩ and 10 nF.
const RISE: u32 = 5;
/// Edges that are taken from the kernel at once, in its units (`gpio_v2_line_event` is six of them).
const EDGES: usize = 16 * 6;
/// Names the clock among the lines.
const TICK: u64 = u64::MAX;

/// What a line is for.
#[derive(Clone, Debug)]
enum Wiring {
    Input(InputLine),
    /// With the level that it is requested with: the last that was wanted, at first the one of *unknown*.
    Output(OutputLine, bool),
}

/// One line, held or missing.
struct Slot {
    /// Where the board file names it.
    key: &'static str,
    wiring: Wiring,
    held: Option<(Request, u32)>,
    complained: Option<Absent>,
}

struct GpiochipLines {
    chips: Gpiochip,
    poller: OwnedFd,
    tick: Option<Tick>,
    slots: Vec<Slot>,
}

pub(super) fn open(board: &Board, _run: &RunDir) -> Result<Box<dyn Lines>, LinesError> {
    let chips = board.gpiochip.clone().ok_or(LinesError::NoChips)?;
    let poller = epoll::create(CreateFlags::CLOEXEC).map_err(|error| LinesError::Wait(error.into()))?;
    let tick = if chips.interrupts { None } else { Some(Tick::every(PAUSE).map_err(LinesError::Wait)?) };
    if let Some(tick) = &tick {
        epoll::add(&poller, tick.changes(), EventData::new_u64(TICK), EventFlags::IN)
            .map_err(|error| LinesError::Wait(error.into()))?;
    }
    let slot = |key, wiring| Slot { key, wiring, held: None, complained: None };
    // Lamps first: they are lit before anything else can go wrong.
    let own = LinesBackend::Gpiochip;
    let outputs = board.outputs().into_iter().filter(|(_, line, _)| line.row(board.lines) == own);
    let outputs = outputs.map(|(key, line, lit)| slot(key, Wiring::Output(line.clone(), lit)));
    let inputs = board.inputs().into_iter().filter(|(_, line)| line.row(board.lines) == own);
    let inputs = inputs.map(|(key, line)| slot(key, Wiring::Input(line.clone())));
    let slots = outputs.chain(inputs).collect();
    let mut lines = GpiochipLines { chips, poller, tick, slots };
    lines.hold_what_is_missing();
    Ok(Box::new(lines))
}

impl GpiochipLines {
    fn hold_what_is_missing(&mut self) {
        if self.slots.iter().all(|slot| slot.held.is_some()) {
            return;
        }
        let chips = find::chips(&self.chips.labels);
        for (place, slot) in self.slots.iter_mut().enumerate().filter(|(_, slot)| slot.held.is_none()) {
            let found = find(&chips, slot.name());
            let held = found.and_then(|found| slot.request(&found, self.chips.interrupts)).and_then(|held| {
                // An output has no edges; that its chip has gone is told without being asked for.
                let what = match slot.wiring {
                    Wiring::Input(_) => EventFlags::IN,
                    Wiring::Output(..) => EventFlags::empty(),
                };
                let data = EventData::new_u64(place as u64);
                epoll::add(&self.poller, held.0.as_fd(), data, what).map_err(|_| Absent::NoMemory)?;
                Ok(held)
            });
            match held {
                Ok(held) => {
                    if slot.complained.take().is_some() {
                        tracing::info!("{}, line \"{}\", is there", slot.key, slot.name());
                    }
                    slot.held = Some(held);
                }
                Err(why) => slot.complain(why),
            }
        }
    }

    fn slot(&mut self, name: &str) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.name() == name)
    }
}

impl Slot {
    fn name(&self) -> &str {
        match &self.wiring {
            Wiring::Input(line) => &line.line,
            Wiring::Output(line, _) => &line.line,
        }
    }

    fn request(&self, found: &Found, interrupts: bool) -> Result<(Request, u32), Absent> {
        let mut request = Request::builder();
        request.on_chip(&found.chip).with_consumer(CONSUMER).with_line(found.place);
        let (active_low, pull) = match &self.wiring {
            Wiring::Input(line) => {
                request.as_input();
                if interrupts {
                    request.with_edge_detection(EdgeDetection::BothEdges);
                }
                if let Some(debounce) = line.debounce_ms {
                    request.with_debounce_period(Duration::from_millis(debounce.into()));
                }
                (line.active_low, line.bias)
            }
            Wiring::Output(line, lit) => {
                request.as_output(value(*lit));
                if line.drive == Drive::OpenDrain {
                    request.with_drive(gpiocdev::line::Drive::OpenDrain);
                }
                (line.active_low, line.bias)
            }
        };
        if active_low {
            request.as_active_low();
        }
        if let Some(pull) = pull {
            request.with_bias(bias(pull));
        }
        request.request().map(|request| (request, found.place)).map_err(|error| match &found.user {
            Some(user) => Absent::Busy(user.clone()),
            None => Absent::Refused(error.to_string()),
        })
    }

    /// The level as the kernel reads it now, `active-low` considered.
    fn level(&mut self) -> Option<bool> {
        let (request, place) = self.held.as_ref()?;
        match request.value(*place) {
            Ok(level) => Some(level == Value::Active),
            Err(error) => {
                self.lose(&error);
                None
            }
        }
    }

    /// Takes what the kernel has noted about the line. `false`: nothing but that it is gone.
    fn take(&mut self, flags: EventFlags) {
        let Some((request, _)) = &self.held else { return };
        if flags.intersects(EventFlags::HUP | EventFlags::ERR) {
            self.held = None;
            self.complain(Absent::Lost);
            return;
        }
        let mut edges = [0; EDGES];
        // One read, and no more: whatever is left wakes the guard again, after it has looked at everything else.
        if let Err(error) = request.read_edge_events_into_slice(&mut edges) {
            self.lose(&error);
        }
    }

    fn lose(&mut self, error: &gpiocdev::Error) {
        self.held = None;
        tracing::debug!("{}: {error}", self.key);
        self.complain(Absent::Lost);
    }

    fn complain(&mut self, why: Absent) {
        if self.complained.as_ref() != Some(&why) {
            tracing::warn!("{}, line \"{}\", is unknown, so captures stay closed: {why}", self.key, self.name());
            self.complained = Some(why);
        }
    }
}

const fn value(active: bool) -> Value {
    if active { Value::Active } else { Value::Inactive }
}

const fn bias(pull: Bias) -> gpiocdev::line::Bias {
    match pull {
        Bias::PullUp => gpiocdev::line::Bias::PullUp,
        Bias::PullDown => gpiocdev::line::Bias::PullDown,
        Bias::Disabled => gpiocdev::line::Bias::Disabled,
    }
}

impl Lines for GpiochipLines {
    fn read(&mut self, line: &InputLine) -> Option<bool> {
        self.slot(&line.line)?.level()
    }

    fn set(&mut self, line: &OutputLine, lit: bool) -> Lamp {
        let Some(slot) = self.slot(&line.line) else { return Lamp::Unknown };
        if let Wiring::Output(_, wanted) = &mut slot.wiring {
            *wanted = lit;
        }
        let set = slot.held.as_ref().map(|(request, place)| request.set_value(*place, value(lit)));
        if let Some(Err(error)) = set {
            slot.lose(&error);
        }
        // A line that is let go is raised by its resistor, which takes a moment; one that is driven is there at once.
        let raised = line.drive == Drive::OpenDrain && lit != line.active_low;
        let mut level = slot.level();
        for _ in 0..if raised { RISE } else { 0 } {
            if level != Some(!lit) {
                break;
            }
            sleep(Duration::from_micros(100));
            level = slot.level();
        }
        match level {
            Some(true) => Lamp::Lit,
            Some(false) => Lamp::Dark,
            None => Lamp::Unknown,
        }
    }

    fn changes(&self) -> BorrowedFd<'_> {
        self.poller.as_fd()
    }

    fn take_changes(&mut self) -> bool {
        let mut any = false;
        for (place, flags) in ready(&self.poller) {
            match (place, &self.tick) {
                // The guard reads all inputs whenever it wakes; lamps need not be set for that.
                (TICK, Some(tick)) => tick.take(),
                (place, _) => {
                    any = true;
                    if let Some(slot) = usize::try_from(place).ok().and_then(|place| self.slots.get_mut(place)) {
                        slot.take(flags);
                    }
                }
            }
        }
        any
    }

    fn second(&mut self) {
        self.hold_what_is_missing();
    }
}
