//! A GPIO chip of the virtual machine, by the driver `gpio-sim`: switches that a test moves and lamps that it looks at.
//! (Linux, *Configfs GPIO Simulator*.)

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

use subrosa_process::users::Users;

/// Where chips are made.
const MAKE: &str = "/sys/kernel/config/gpio-sim";

/// Makes lines keep their level.
#[derive(Debug)]
pub struct Keeper {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

/// A chip with named lines.
#[derive(Debug)]
pub struct Chip {
    folder: PathBuf,
    lines: Vec<String>,
}

impl Chip {
    /// Plugs a chip in. An empty name is a line without one.
    #[must_use]
    pub fn plug_in(label: &str, lines: &[&str]) -> Self {
        let folder = Path::new(MAKE).join(label);
        fs::create_dir_all(folder.join("bank0")).expect("a chip of gpio-sim");
        let write = |place: PathBuf, text: &str| fs::write(&place, text).expect("an attribute of gpio-sim");
        write(folder.join("bank0/num_lines"), &lines.len().to_string());
        write(folder.join("bank0/label"), label);
        for (place, name) in lines.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            let line = folder.join(format!("bank0/line{place}"));
            fs::create_dir(&line).expect("a line of gpio-sim");
            write(line.join("name"), name);
        }
        let chip = Chip { folder, lines: lines.iter().map(|&name| name.to_owned()).collect() };
        chip.come_back();
        chip
    }

    /// Pulls it out.
    pub fn pull_out(&self) {
        fs::write(self.folder.join("live"), "0").expect("a chip that is there");
    }

    /// Plugs it in again. Its lines are as when it was first plugged in.
    pub fn come_back(&self) {
        fs::write(self.folder.join("live"), "1").expect("a chip of gpio-sim");
        // Where there is no udev, its rule is carried out here.
        if !Path::new("/run/udev/control").exists() {
            let guard = Users::separate().expect("`make setup` creates the users").guard;
            chown(self.node(), Some(guard.uid), Some(0)).expect("the chip's node");
        }
    }

    /// The chip's node.
    #[must_use]
    pub fn node(&self) -> PathBuf {
        let name = fs::read_to_string(self.folder.join("bank0/chip_name")).expect("an attribute of gpio-sim");
        Path::new("/dev").join(name.trim())
    }

    /// The place of a line on the chip, from 0 on.
    ///
    /// # Panics
    /// When it has no such line.
    #[must_use]
    pub fn place(&self, line: &str) -> u32 {
        let named = self.lines.iter().position(|name| name == line).and_then(|place| place.try_into().ok());
        named.or_else(|| line.strip_prefix('#')?.parse().ok()).expect("a line of this chip")
    }

    fn attribute(&self, line: &str, name: &str) -> PathBuf {
        let read = |place: &str| fs::read_to_string(self.folder.join(place)).expect("an attribute of gpio-sim");
        let (device, chip) = (read("dev_name"), read("bank0/chip_name"));
        let place = self.place(line);
        Path::new("/sys/devices/platform").join(device.trim()).join(chip.trim()).join(format!("sim_gpio{place}/{name}"))
    }

    /// Somebody else uses a line until the request is dropped.
    #[must_use]
    pub fn hold(&self, line: &str, user: &str) -> gpiocdev::Request {
        let mut request = gpiocdev::Request::builder();
        request.on_chip(self.node()).with_consumer(user);
        request.with_line(self.place(line)).as_input();
        request.request().expect("a line that nobody uses")
    }

    /// What pulls at a line from outside, such as a contact: high or low.
    pub fn pull(&self, line: &str, high: bool) {
        fs::write(self.attribute(line, "pull"), if high { "pull-up" } else { "pull-down" }).expect("a pull");
    }

    /// From now on these lines keep the level that was driven last, as those of a Raspberry Pi do: a pull follows it.
    /// Until what is returned is dropped.
    #[must_use]
    pub fn keep_levels(&self, lines: &[&str]) -> Keeper {
        let places = |line: &&str| (self.attribute(line, "value"), self.attribute(line, "pull"));
        let lines: Vec<_> = lines.iter().map(places).collect();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            // Nothing that ends a request may come in between a level and its pull.
            let parameters = libc::sched_param { sched_priority: 10 };
            // SAFETY: the call reads the parameters, which live until it returns.
            assert_eq!(unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameters) }, 0);
            let mut last = vec![String::new(); lines.len()];
            while !stopped.load(Ordering::Relaxed) {
                for ((value, pull), last) in lines.iter().zip(&mut last) {
                    let level = fs::read_to_string(value).unwrap_or_default();
                    if level != *last {
                        let _chip_gone = fs::write(pull, if level.trim() == "1" { "pull-up" } else { "pull-down" });
                        *last = level;
                    }
                }
                sleep(Duration::from_micros(500));
            }
        });
        Keeper { stop, thread: Some(thread) }
    }

    /// The level at a line's pin. `None`: the chip is not there.
    #[must_use]
    pub fn level(&self, line: &str) -> Option<bool> {
        fs::read_to_string(self.attribute(line, "value")).ok().map(|level| level.trim() == "1")
    }
}
