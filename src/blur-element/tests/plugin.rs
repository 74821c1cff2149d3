//! The same element as a plug-in that GStreamer's own tools load.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // this is a test

use std::path::PathBuf;
use std::process::Command;

/// A folder with nothing but the plug-in: GStreamer loads every library of a folder that it searches.
fn folder() -> PathBuf {
    let built = std::env::current_exe().unwrap().with_file_name("libgstsubrosablur.so");
    let folder =
        std::env::temp_dir().join(format!("subrosa-plugin-{}-{:?}", std::process::id(), std::thread::current().id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(&built, folder.join("libgstsubrosablur.so")).unwrap();
    folder
}

/// What a tool of GStreamer says, or nothing where it is not installed (then it fails in CI).
fn tool(name: &str, arguments: &[&str]) -> Option<(bool, String)> {
    let folder = folder();
    let output = Command::new(name)
        .args(arguments)
        .env("GST_PLUGIN_PATH", &folder)
        .env("GST_REGISTRY", folder.join("registry.bin"))
        .output();
    let _left_for_the_system = std::fs::remove_dir_all(&folder);
    match output {
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
        }
        Err(error) => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{name}: {error}");
            eprintln!("SKIPPED: {name} is not installed (`make setup`)");
            None
        }
    }
}

#[test]
fn gst_inspect_lists_it_with_its_properties() {
    let Some((success, text)) = tool("gst-inspect-1.0", &["subrosablur"]) else { return };
    assert!(success, "{text}");
    for word in
        ["mode", "strength", "colour", "image", "cadence", "maximum-mask-age", "model", "state", "I420, (string)NV12"]
    {
        assert!(text.contains(word), "{word} is missing:\n{text}");
    }
}

#[test]
fn p4_gst_launch_gets_nothing_without_a_model_and_everything_with_mode_off() {
    for (mode, frames) in [("strong", 0), ("off", 10)] {
        let line = format!(
            "-v videotestsrc num-buffers=10 ! video/x-raw,format=NV12,width=64,height=48 ! subrosablur mode={mode} ! \
             identity silent=false ! fakesink silent=true"
        );
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let Some((success, text)) = tool("gst-launch-1.0", &arguments) else { return };
        assert!(success, "{text}");
        assert_eq!(text.matches("chain   *****").count(), frames, "{mode}: {text}");
    }
}
