//! The units as `make install` lays them down, under systemd and udev, with a camera, a sound card and lines that are
//! drivers of the kernel. Nothing of the simulated room is there.

use std::fs::{self, File, Permissions};
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use subrosa_messages::media::{LinkNetwork, MediaConfiguration, RoomToMedia, Size};
use subrosa_process::run_dir::RunDir;
use subrosa_process::users::{User, Users};
use subrosa_tests::devices::Actor;
use subrosa_tests::stage::eventually;
use subrosa_tests::vm::{Boot, Chip, Conference, InputDevice, MuteKey, inside, load_camera, load_sound};

pub const CAMERA: &str = "/dev/video0";
pub const MICROPHONE: &str = "/dev/snd/pcmC0D1c";
pub const GUARD: &str = "subrosa-guard.service";
pub const MEDIA: &str = "subrosa-media.service";
pub const ROOM: &str = "subrosa-room.service";
pub const RUN: &str = "/run/subrosa";
const CGROUPS: &str = "/sys/fs/cgroup/system.slice";
/// Three programs start in a machine that is slower than any board.
pub const START: Duration = Duration::from_secs(90);
pub const SOON: Duration = Duration::from_secs(5);

/// Its switches and lamps.
pub const LINES: [&str; 6] =
    ["button", "camera-shutter", "camera-live", "microphone-switch", "microphone-live", "microphone-muted"];

pub const BOARD: &str = r#"
name = "virtual"
title = "Virtual machine"
lines = "gpiochip"
encoders = ["x264enc"]
button = { line = "button" }
speaker = { sink = "alsa", device = "hw:0,0" }
screen = { output = "kms" }

[gpiochip]
labels = ["header"]

[camera]
source = "v4l2"
nodes = ["/dev/video0"]
proof = "module-references"
switch = { line = "camera-shutter" }
live = { line = "camera-live", bias = "pull-up" }

[microphone]
source = "alsa"
nodes = ["/dev/snd/pcmC0D1c"]
proof = "alsa-status"
switch = { line = "microphone-switch" }
live = { line = "microphone-live", bias = "pull-up" }
muted = { line = "microphone-muted", bias = "pull-down" }
"#;

/// The device.
pub struct Device {
    pub chip: Chip,
    pub users: Users,
    pub room: Option<Room>,
    _log: Log,
}

/// Stands in the place of the room: wants both captures, as a room with a guest does.
pub struct Room {
    pub guard: Actor,
    pub media: Actor,
}

impl Room {
    /// Speaks to a guard that has just started.
    pub fn meet_the_guard(&self, run: &RunDir) {
        eventually("the guard listens", START, || run.guard_for_room().exists().then_some(()));
        self.guard.connect(&run.guard_for_room());
    }

    /// Speaks to media that has just started.
    pub fn meet_media(&self, run: &RunDir) {
        eventually("media listens", START, || run.media_for_room().exists().then_some(()));
        self.media.connect(&run.media_for_room());
        self.want();
    }

    /// Wants both captures.
    pub fn want(&self) {
        let size = Size { width: 640, height: 360 };
        let configuration = MediaConfiguration {
            picture: size,
            frames_per_second: 10,
            max_bitrate: 500_000,
            screen: size,
            network: LinkNetwork { addresses: vec![Ipv4Addr::LOCALHOST.into()], udp_ports: None, turn: None },
            encoders: vec!["x264enc".to_owned()],
        };
        self.media.say(&serde_json::to_value(RoomToMedia::Configure(configuration)).unwrap());
        self.media.say(&serde_json::to_value(RoomToMedia::Want { camera: true, microphone: true }).unwrap());
    }
}

#[track_caller]
pub fn sh(command: &str) -> String {
    let ran = Command::new("sh").args(["-c", command]).output().unwrap();
    let text = String::from_utf8_lossy(&ran.stdout).trim().to_owned();
    assert!(ran.status.success(), "{command}: {} {}", text, String::from_utf8_lossy(&ran.stderr));
    text
}

/// One property of a unit.
pub fn property(unit: &str, name: &str) -> String {
    sh(&format!("systemctl show --value -p {name} {unit}"))
}

pub fn mode(path: &str) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

/// Tries to open a node as this user, for reading and writing or for reading.
pub fn open_as(user: User, path: &str, write: bool) -> io::Result<()> {
    let mut command = Command::new("python3");
    let flags = if write { "os.O_RDWR|os.O_NONBLOCK" } else { "os.O_RDONLY|os.O_NONBLOCK" };
    command.args([
        "-c",
        &format!("import os,sys\ntry: os.open('{path}', {flags})\nexcept OSError as e: sys.exit(e.errno)"),
    ]);
    command.uid(user.uid).gid(user.gid);
    match command.status()?.code() {
        Some(0) => Ok(()),
        Some(error) => Err(io::Error::from_raw_os_error(error)),
        None => Err(io::ErrorKind::Interrupted.into()),
    }
}

impl Device {
    /// Hardware and installation; nothing of Subrosa runs.
    pub fn install() -> Self {
        sh("systemd-sysusers && systemd-tmpfiles --create /usr/lib/tmpfiles.d/subrosa.conf");
        sh("systemctl daemon-reload && udevadm control --reload");
        let chip = Chip::plug_in("header", &LINES);
        for (line, level) in [("button", false), ("camera-shutter", true), ("microphone-switch", true)] {
            chip.pull(line, level);
        }
        load_camera();
        load_sound();
        sh("udevadm settle");
        fs::create_dir_all("/etc/subrosa").unwrap();
        fs::write("/etc/subrosa/virtual.toml", BOARD).unwrap();
        fs::write("/etc/subrosa/board", "BOARD=/etc/subrosa/virtual.toml\n").unwrap();
        Device { chip, users: Users::separate().unwrap(), room: None, _log: Log }
    }

    /// All three run and are ready.
    pub fn start() -> Self {
        Device::install().run()
    }

    /// Starts all three; then a stand-in takes the room's place.
    pub fn run(self) -> Self {
        self.run_units().with_a_stand_in()
    }

    /// Starts all three, which run as they are installed.
    pub fn run_units(self) -> Self {
        let began = Instant::now();
        sh("systemctl start subrosa.target");
        self.wait_running();
        println!("subrosa.target → three units ready: {:.1} s", began.elapsed().as_secs_f64());
        eventually("dark on proof", SOON, || (!self.lit("camera") && !self.lit("microphone")).then_some(()));
        for unit in [GUARD, MEDIA, ROOM] {
            let status = fs::read_to_string(format!("/proc/{}/status", self.pid(unit))).unwrap();
            let has = |line: &str| status.lines().any(|found| found.split_whitespace().eq(line.split(' ')));
            // CAP_NET_BIND_SERVICE is bit 10.
            let bounds = if unit == ROOM { "0000000000000400" } else { "0000000000000000" };
            for line in ["NoNewPrivs: 1", "Seccomp: 2", &format!("CapEff: {bounds}"), &format!("CapBnd: {bounds}")] {
                assert!(has(line), "{unit}: {line} in {status}");
            }
        }
        self
    }

    /// A call takes a guest, and a guest a browser: a stand-in wants what the room would want in one.
    fn with_a_stand_in(mut self) -> Self {
        sh("systemctl mask --runtime --now subrosa-room");
        fs::copy(std::env::current_exe().unwrap(), "/run/actor").unwrap();
        let room = Room { guard: self.actor(), media: self.actor() };
        room.meet_the_guard(&RunDir::new(RUN));
        room.meet_media(&RunDir::new(RUN));
        self.room = Some(room);
        self
    }

    /// Somebody of the room's user.
    pub fn actor(&self) -> Actor {
        Actor::of(self.users.room, Path::new("/run/actor"))
    }

    /// Guard and media run, and the room or who stands in its place is connected to both.
    #[track_caller]
    pub fn wait_running(&self) {
        let units = if self.room.is_some() {
            "subrosa-guard subrosa-media"
        } else {
            "subrosa-guard subrosa-media subrosa-room"
        };
        eventually("the units run", START, || {
            let states = sh(&format!("systemctl show --value -p ActiveState {units}"));
            states.split_whitespace().all(|state| state == "active").then_some(())
        });
    }

    pub fn lit(&self, capture: &str) -> bool {
        self.chip.level(&format!("{capture}-live")) != Some(false)
    }

    pub fn press(&self) {
        self.chip.pull("button", true);
        sleep(Duration::from_millis(120));
        self.chip.pull("button", false);
    }

    /// Open files of the camera's driver, by anybody.
    pub fn camera_files(&self) -> u32 {
        fs::read_to_string("/sys/module/vivid/refcnt").unwrap().trim().parse().unwrap()
    }

    pub fn microphone_is_open(&self) -> bool {
        fs::read_to_string("/proc/asound/card0/pcm1c/sub0/status").unwrap().trim() != "closed"
    }

    /// Presses the button and waits until media captures from both.
    #[track_caller]
    pub fn wake(&self) {
        self.press();
        self.wait_capturing();
    }

    /// After media has started anew, with or without the guard. A room that leaves a guard has ended its meeting.
    pub fn reconnect(&self, with_the_guard: bool) {
        if with_the_guard && let Some(room) = &self.room {
            // Before media is there: a guard that has just started waits three seconds for the room of its meeting.
            let active = || (property(GUARD, "ActiveState") == "active").then_some(());
            eventually("the guard runs", START, active);
            room.meet_the_guard(&RunDir::new(RUN));
        }
        self.wait_running();
        if let Some(room) = &self.room {
            room.meet_media(&RunDir::new(RUN));
        }
    }

    #[track_caller]
    pub fn wait_capturing(&self) {
        eventually("both captures are open", START, || {
            (self.camera_files() > 0 && self.microphone_is_open()).then_some(())
        });
        assert!(self.lit("camera") && self.lit("microphone"));
        eventually("closed behind the open streams", SOON, || {
            (mode(CAMERA) == 0o400 && mode(MICROPHONE) == 0o400).then_some(())
        });
    }

    pub fn pid(&self, unit: &str) -> i32 {
        property(unit, "MainPID").parse().unwrap()
    }

    pub fn signal(&self, unit: &str, signal: i32) {
        // Between its end and its restart a unit has process 0, which would be this test itself (kill(2)).
        let pid = eventually("a process of the unit", SOON, || Some(self.pid(unit)).filter(|pid| *pid > 0));
        // SAFETY: kill takes numbers and touches no memory.
        assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
    }
}

/// Prints what the units have said, if the test fails.
pub struct Log;

impl Drop for Log {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = Command::new("journalctl")
                .args(["-b", "--no-pager", "-o", "short-monotonic", "-u", "subrosa*"])
                .output();
            println!("{}", log.map(|log| String::from_utf8_lossy(&log.stdout).into_owned()).unwrap_or_default());
        }
    }
}

#[test]
fn p1_the_rules_close_every_capture_node_at_every_event() {
    if !inside(Boot::Systemd) {
        return;
    }
    let device = Device::install();
    let users = device.users;
    let right = |what: &str| {
        for node in [CAMERA, MICROPHONE, "/dev/snd/pcmC0D0c"] {
            let found = fs::metadata(node).unwrap();
            let found = (found.uid(), found.gid(), found.mode() & 0o7777);
            assert_eq!(found, (users.guard.uid, users.media.gid, 0o400), "{node} after {what}");
            let list = rustix::fs::getxattr_query(node, "system.posix_acl_access");
            assert_eq!(list, Err(rustix::io::Errno::NODATA), "{node} after {what}");
        }
    };
    right("being plugged in");
    for event in ["add", "change", "bind"] {
        for node in [CAMERA, MICROPHONE] {
            chown(node, Some(0), Some(44)).unwrap();
            fs::set_permissions(node, Permissions::from_mode(0o666)).unwrap();
        }
        sh(&format!("udevadm trigger --settle --action={event} --subsystem-match=video4linux --subsystem-match=sound"));
        right(event);
    }
    for (user, name) in [(users.media, "media"), (users.room, "room")] {
        for node in [CAMERA, MICROPHONE] {
            let error = open_as(user, node, true).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EACCES), "{name} {node}");
        }
    }
    let error = open_as(users.guard, CAMERA, true).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EACCES), "the guard may look and not capture");
    open_as(users.guard, CAMERA, false).unwrap();
    open_as(users.media, "/dev/snd/pcmC0D0p", true).unwrap();
    let chips = fs::metadata("/dev/gpiochip0").unwrap();
    assert_eq!((chips.uid(), chips.mode() & 0o777), (users.guard.uid, 0o600));
}

#[test]
fn the_rules_hand_switches_and_conference_devices_to_the_guard_and_no_keyboard() {
    if !inside(Boot::Systemd) {
        return;
    }
    let device = Device::install();
    let switches = InputDevice::plug_in("Switches", &[], &[0x0e]);
    // KEY_ESC to KEY_D: what udev takes for a keyboard, also with a switch on it.
    let keyboard = InputDevice::plug_in("Keyboard", &(1..33).collect::<Vec<_>>(), &[0x0e]);
    let keys = InputDevice::plug_in("Key box", &[148, 149], &[]);
    let conference = Conference::plug_in("Speakerphone", MuteKey::Toggles, None);
    // Two buttons and two axes: a mouse.
    let mouse = Conference::with(
        "Mouse",
        &[
            0x05, 0x01, 0x09, 0x02, 0xa1, 0x01, 0x05, 0x09, 0x19, 0x01, 0x29, 0x02, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01,
            0x95, 0x02, 0x81, 0x02, 0x75, 0x06, 0x95, 0x01, 0x81, 0x01, 0xc0,
        ],
        None,
    );
    sh("udevadm settle");
    let group = |node: &Path| {
        let found = fs::metadata(node).unwrap();
        (found.gid() == device.users.guard.gid, found.mode() & 0o777)
    };
    assert_eq!((group(switches.node()), group(keys.node())), ((true, 0o640), (true, 0o640)));
    assert_eq!(group(conference.node()), (true, 0o660));
    for node in [keyboard.node(), mouse.node()] {
        let known = sh(&format!("udevadm info {}", node.display()));
        assert!(!group(node).0, "{}: {known}", node.display());
    }
    let guard = device.users.guard;
    open_as(guard, switches.node().to_str().unwrap(), false).unwrap();
    open_as(guard, conference.node().to_str().unwrap(), true).unwrap();
    for node in [keyboard.node(), mouse.node()] {
        assert!(open_as(guard, node.to_str().unwrap(), false).is_err(), "{}", node.display());
    }
    for user in [device.users.media, device.users.room] {
        assert!(open_as(user, conference.node().to_str().unwrap(), false).is_err());
        assert!(open_as(user, switches.node().to_str().unwrap(), false).is_err());
    }
}

/// The status page's facts, as a browser on the network gets them.
fn status() -> Option<serde_json::Value> {
    let script = "import ssl,urllib.request as u\n\
                  c=ssl._create_unverified_context()\n\
                  print(u.urlopen('https://127.0.0.1:8443/api/status',context=c,timeout=5).read().decode())";
    let output = Command::new("python3").args(["-c", script]).output().unwrap();
    serde_json::from_slice(&output.stdout).ok()
}

#[test]
fn p1_a_program_of_roots_lights_the_lamp_and_is_said() {
    if !inside(Boot::Systemd) {
        return;
    }
    let device = Device::install();
    sh("systemctl start subrosa.target");
    device.wait_running();
    eventually("dark on proof", SOON, || (!device.lit("camera") && !device.lit("microphone")).then_some(()));
    let node = |capture: &str| Some(status()?["guard"][capture]["node"].as_str()?.to_owned());
    eventually("the page says closed", START, || (node("camera")? == "closed").then_some(()));
    for (capture, path) in [("camera", CAMERA), ("microphone", MICROPHONE)] {
        let opened = Instant::now();
        let file = fs::OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path).unwrap();
        eventually("its lamp is lit", Duration::from_secs(1), || device.lit(capture).then_some(()));
        println!("{capture}: opened by root → lamp lit: {:?}", opened.elapsed());
        eventually("the page says so", SOON, || (node(capture)? == "foreign").then_some(()));
        drop(file);
        eventually("dark", SOON, || (!device.lit(capture)).then_some(()));
        eventually("the page says closed", SOON, || (node(capture)? == "closed").then_some(()));
    }
}

#[test]
fn p1_p3_a_whole_device_opens_closes_and_never_with_a_dark_lamp() {
    if !inside(Boot::Systemd) {
        return;
    }
    let device = Device::start();
    assert_eq!((device.camera_files(), device.microphone_is_open()), (0, false), "nothing before the button");
    device.wake();
    println!("button → both captures open");
    // Somebody else of media's user cannot have it beside it.
    assert!(open_as(device.users.media, CAMERA, true).is_err());
    let mut closed = Vec::new();
    let mut obeyed = 0;
    for _ in 0..3 {
        let media = device.pid(MEDIA);
        let edge = Instant::now();
        device.chip.pull("camera-shutter", false);
        let mut dark = false;
        eventually("the driver has no open file", SOON, || {
            let lit = device.lit("camera");
            let open = device.camera_files() > 0;
            dark |= open && !lit && !device.lit("camera");
            (!open).then_some(())
        });
        assert!(!dark, "open with a dark lamp");
        closed.push(edge.elapsed());
        eventually("dark on proof", SOON, || (!device.lit("camera")).then_some(()));
        device.chip.pull("camera-shutter", true);
        // In a machine as slow as this one media does not always obey in time; then it has been killed.
        sleep(Duration::from_millis(500));
        if device.pid(MEDIA) == media {
            obeyed += 1;
        } else {
            device.reconnect(false);
        }
        device.wait_capturing();
    }
    println!("shutter → camera closed: {closed:?}");
    assert!(obeyed >= 2, "media closes its camera by itself: {obeyed} of 3");
    let edge = Instant::now();
    device.chip.pull("microphone-switch", false);
    eventually("muted on proof", SOON, || (device.chip.level("microphone-muted") == Some(true)).then_some(()));
    println!("switch → microphone closed, proved, red: {:?}", edge.elapsed());
    assert!(!device.microphone_is_open() && !device.lit("microphone"));
    // Root may open anything, and is seen. Nothing else opens the camera now.
    device.chip.pull("camera-shutter", false);
    eventually("dark", SOON, || (!device.lit("camera")).then_some(()));
    let root = File::open(CAMERA).unwrap();
    eventually("lit for root", SOON, || device.lit("camera").then_some(()));
    drop(root);
    eventually("dark", SOON, || (!device.lit("camera")).then_some(()));
}

#[test]
fn p3_media_that_hangs_is_killed_through_its_control_group_by_a_guard_without_capabilities() {
    if !inside(Boot::Systemd) {
        return;
    }
    let device = Device::start();
    let kill = format!("{CGROUPS}/{MEDIA}/cgroup.kill");
    for round in 0..2 {
        let file = fs::metadata(&kill).unwrap();
        assert_eq!((file.gid(), file.mode() & 0o777), (device.users.guard.gid, 0o220), "round {round}");
        if round == 0 {
            device.wake();
        } else {
            device.wait_capturing();
        }
        let hung = device.pid(MEDIA);
        device.signal(MEDIA, libc::SIGSTOP);
        let edge = Instant::now();
        device.chip.pull("microphone-switch", false);
        eventually("the microphone is closed", SOON, || (!device.microphone_is_open()).then_some(()));
        let took = edge.elapsed();
        println!("switch → a media process that hangs is dead and its microphone closed: {took:?}");
        assert!(took >= Duration::from_millis(200), "it was given its time to obey: {took:?}");
        eventually("another media", START, || (![0, hung].contains(&device.pid(MEDIA))).then_some(()));
        device.chip.pull("microphone-switch", true);
        device.reconnect(false);
    }
    // The guard may write that one file and no other of the group.
    assert!(open_as(device.users.guard, &format!("{CGROUPS}/{MEDIA}/cgroup.procs"), true).is_err());
}

#[test]
fn p1_p10_the_guard_dies_media_goes_with_it_lamps_are_lit_and_both_come_back() {
    if !inside(Boot::Systemd) {
        return;
    }
    let device = Device::start();
    device.wake();
    for round in 0..3 {
        let (guard, media) = (device.pid(GUARD), device.pid(MEDIA));
        device.signal(GUARD, libc::SIGKILL);
        let killed = Instant::now();
        let mut dark = false;
        eventually("nothing is open", SOON, || {
            dark |= !device.lit("camera") && device.camera_files() > 0;
            (device.camera_files() == 0 && !device.microphone_is_open()).then_some(())
        });
        println!("guard killed → captures closed: {:?}", killed.elapsed());
        assert!(!dark, "round {round}: open with a dark lamp");
        eventually("another guard", SOON, || (![0, guard].contains(&device.pid(GUARD))).then_some(()));
        println!("… another guard: {:?}", killed.elapsed());
        assert_eq!((mode(CAMERA), mode(MICROPHONE)), (0o400, 0o400));
        // The room reconnects, and it is still awake: what was open is opened again.
        device.reconnect(true);
        assert_ne!(device.pid(MEDIA), media, "bound to the guard");
        device.wait_capturing();
        println!("… capturing again: {:.1} s", killed.elapsed().as_secs_f64());
    }
    let log = sh(&format!("journalctl -b --no-pager -u {GUARD}"));
    assert!(!log.contains("not everything is closed and lit"), "{log}");

    // For good: the stop hook leaves everything closed and, nobody knowing anything, lit.
    sh("systemctl stop subrosa.target subrosa-guard");
    assert_eq!(property(MEDIA, "ActiveState"), "inactive", "bound to the guard");
    assert_eq!((mode(CAMERA), mode(MICROPHONE)), (0o400, 0o400));
    assert!(device.lit("camera") && device.lit("microphone"), "unknown is lit");
    assert_eq!(device.chip.level("microphone-muted"), Some(false));
}

#[test]
fn p1_the_device_groups_let_the_guard_look_and_media_capture_and_nothing_else() {
    if !inside(Boot::Systemd) {
        return;
    }
    let device = Device::start();
    let _both_run = device.users;
    let conference = Conference::plug_in("Speakerphone", MuteKey::Toggles, None);
    let switches = InputDevice::plug_in("Switches", &[], &[0x0e]);
    let (conference, switches) = (conference.node().to_str().unwrap(), switches.node().to_str().unwrap());
    // A shell of root within the unit's control group: modes do not bind it, only the group does.
    let open = |unit: &str, node: &str, write: bool| {
        let procs = PathBuf::from(format!("{CGROUPS}/{unit}/cgroup.procs"));
        let script = format!(
            "import os,sys\nopen('{}','w').write(str(os.getpid()))\ntry: os.open('{node}', {})\nexcept OSError as e: sys.exit(e.errno)",
            procs.display(),
            if write { "os.O_RDWR|os.O_NONBLOCK" } else { "os.O_RDONLY|os.O_NONBLOCK" }
        );
        Command::new("python3").args(["-c", &script]).status().unwrap().code()
    };
    let denied = Some(libc::EPERM);
    for (unit, node, write, expected) in [
        (GUARD, CAMERA, false, Some(0)),
        (GUARD, CAMERA, true, denied),
        (GUARD, MICROPHONE, true, denied),
        (GUARD, "/dev/gpiochip0", true, Some(0)),
        (GUARD, "/dev/uinput", true, denied),
        (GUARD, conference, true, Some(0)),
        (GUARD, switches, false, Some(0)),
        (GUARD, switches, true, denied),
        (MEDIA, conference, false, denied),
        (MEDIA, switches, false, denied),
        (MEDIA, CAMERA, true, Some(0)),
        (MEDIA, "/dev/gpiochip0", false, denied),
        (MEDIA, "/dev/uinput", true, denied),
    ] {
        assert_eq!(open(unit, node, write), expected, "{unit} {node} for writing: {write}");
    }
}
