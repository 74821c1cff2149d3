//! A camera that is several nodes, as sensors at CSI are: libcamera opens them all, and they are one permit.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use subrosa_tests::stage::eventually;
use subrosa_tests::vm::{Boot, inside, load_camera_of_several_nodes};

use crate::picture::{self, is_the_drivers_picture};
use crate::units::{BOARD, Device, SOON, START, mode, open_as, sh};

/// The nodes of the driver: media controller, sub-devices, captures.
fn nodes() -> Vec<PathBuf> {
    let listed = ["/sys/class/video4linux", "/sys/bus/media/devices"]
        .into_iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap());
    let ours = listed.filter_map(|entry| {
        let place = entry.unwrap().path();
        let of_the_driver = place.canonicalize().unwrap().components().any(|part| part.as_os_str() == "vimc.0");
        of_the_driver.then(|| Path::new("/dev").join(place.file_name().unwrap()))
    });
    let mut nodes: Vec<_> = ours.collect();
    nodes.sort();
    nodes
}

/// Open files of the driver's captures and sub-devices, by anybody.
fn files() -> u32 {
    fs::read_to_string("/sys/module/vimc/refcnt").unwrap().trim().parse().unwrap()
}

#[test]
fn p1_p3_a_camera_of_several_nodes_is_one_permit() {
    if !inside(Boot::Systemd) {
        return;
    }
    let device = Device::install();
    load_camera_of_several_nodes();
    sh("udevadm settle");
    let nodes = nodes();
    println!("{nodes:?}");
    assert!(nodes.len() > 4 && nodes.iter().any(|node| node.ends_with("media1") || node.ends_with("media0")));
    let listed: Vec<_> = nodes.iter().map(|node| format!("\"{}\"", node.display())).collect();
    let board =
        BOARD.replace("source = \"v4l2\"", "source = \"libcamera\"").replace("\"/dev/video0\"", &listed.join(", "));
    fs::write("/etc/subrosa/virtual.toml", board).unwrap();
    let device = device.run();
    let closed = || nodes.iter().all(|node| mode(node.to_str().unwrap()) == 0o400);
    assert!(closed());
    // libcamera 0.0.3 itself crashes with this driver, mostly within seconds (`VimcCameraData::bufferReady` takes a request that
    // has gone; so does `gst-launch-1.0 libcamerasrc ! fakesink`). The program that it takes with it starts again, closed and
    // with true lamps, and the room is still awake.
    let seen = (0..5).find_map(|attempt| {
        let peer = picture::peer(&device);
        if attempt == 0 {
            device.press();
        }
        eventually("the camera is open", START, || (files() > 0).then_some(()));
        eventually("its lamp is lit", Duration::ZERO, || (device.lit("camera") || files() == 0).then_some(()));
        eventually("closed behind the open nodes", SOON, || closed().then_some(()));
        for node in &nodes {
            assert!(open_as(device.users.media, node.to_str().unwrap(), true).is_err(), "{}", node.display());
        }
        let frame = peer.recording.wait_for_frame(0, Duration::from_secs(15), is_the_drivers_picture);
        if frame.is_none() {
            println!("not decoded in time: once more");
            device.reconnect(false);
        }
        frame
    });
    let frame = seen.expect("the camera's picture");
    println!("decoded: {}x{}", frame.width, frame.height);

    device.chip.pull("camera-shutter", false);
    eventually("all of it is closed and the lamp is dark", SOON, || {
        (files() == 0 && !device.lit("camera")).then_some(())
    });
    assert!(closed());
}
