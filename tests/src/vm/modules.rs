//! Drivers of the virtual machine that are loaded, counted and pulled out like a device's.

use std::path::Path;
use std::process::Command;

/// Loads a driver and what it is made of.
fn load(modules: &[(&str, &str)]) {
    let folder = std::env::var("MODULES").expect("the first process hands on where the modules are");
    for (module, parameters) in modules {
        let name = module.replace('-', "_");
        if Path::new("/sys/module").join(&name).exists() {
            continue;
        }
        let file = Path::new(&folder).join(module).with_extension("ko");
        let loaded = Command::new("insmod").arg(&file).args(parameters.split_whitespace()).status().expect("insmod");
        assert!(loaded.success(), "insmod {}", file.display());
    }
}

/// A camera, `/dev/video0`, by the driver `vivid`: pictures with a clock in them.
pub fn load_camera() {
    load(&[
        ("font", ""),
        ("videobuf2-common", ""),
        ("videobuf2-memops", ""),
        ("videobuf2-vmalloc", ""),
        ("videobuf2-dma-contig", ""),
        ("videobuf2-v4l2", ""),
        ("v4l2-tpg", ""),
        // One camera with one video node and nothing else.
        ("vivid", "n_devs=1 node_types=0x1 num_inputs=1 input_types=0x0"),
    ]);
}

/// A sound card that hears on device 1 what is played on device 0, by the driver `snd-aloop`.
pub fn load_sound() {
    load(&[("snd-timer", ""), ("snd-pcm", ""), ("snd-aloop", "pcm_substreams=1")]);
}
