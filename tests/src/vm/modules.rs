//! Drivers of the virtual machine that are loaded, counted and pulled out like a device's.

use std::path::Path;
use std::process::Command;

/// What the drivers of cameras are made of.
const CAMERA: [&str; 7] = [
    "font",
    "videobuf2-common",
    "videobuf2-memops",
    "videobuf2-vmalloc",
    "videobuf2-dma-contig",
    "videobuf2-v4l2",
    "v4l2-tpg",
];

/// Loads a driver and, before it, what it is made of.
fn load(parts: &[&str], module: &str, parameters: &str) {
    let folder = std::env::var("MODULES").expect("the first process hands on where the modules are");
    // Debian's kernel knows what its drivers are made of; the other's modules lie in a folder without an index.
    let debian = Path::new(&folder).join("lib/modules").exists();
    let parts = if debian { &[] } else { parts };
    for (module, parameters) in parts.iter().map(|&part| (part, "")).chain([(module, parameters)]) {
        let name = module.replace('-', "_");
        if Path::new("/sys/module").join(&name).exists() {
            continue;
        }
        let mut command = Command::new(if debian { "modprobe" } else { "insmod" });
        if debian {
            command.arg("-d").arg(&folder).arg(module);
        } else {
            command.arg(Path::new(&folder).join(module).with_extension("ko"));
        }
        let loaded = command.args(parameters.split_whitespace()).status().expect("kmod");
        assert!(loaded.success(), "{command:?}");
    }
}

/// A camera, `/dev/video0`, by the driver `vivid`: pictures with a clock in them.
pub fn load_camera() {
    // One camera with one video node and nothing else.
    load(&CAMERA, "vivid", "n_devs=1 node_types=0x1 num_inputs=1 input_types=0x0");
}

/// A camera of several nodes behind a media controller, by the driver `vimc`: a sensor and what makes pictures of it.
pub fn load_camera_of_several_nodes() {
    load(&CAMERA, "vimc", "");
}

/// A sound card that hears on device 1 what is played on device 0, by the driver `snd-aloop`.
pub fn load_sound() {
    load(&["snd-timer", "snd-pcm"], "snd-aloop", "pcm_substreams=1");
}

/// A watchdog, `/dev/watchdog0`, by the driver `softdog`: when it is not fed, it restarts the machine.
pub fn load_watchdog() {
    load(&["watchdog"], "softdog", "");
}

/// Two Wi-Fi radios that hear each other, `wlan0` and `wlan1`, by the driver `mac80211_hwsim`; in Debian's kernel only. The
/// ciphers are loaded, too, since the kernel finds no modules by itself here.
pub fn load_radios() {
    for cipher in ["ctr", "ccm", "cmac"] {
        load(&[], cipher, "");
    }
    load(&[], "mac80211_hwsim", "radios=2");
}
