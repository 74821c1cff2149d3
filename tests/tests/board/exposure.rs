//! What the units leave open, in systemd's own count (`systemd-analyze security`): 0 is nothing, 10 is everything.

use std::process::Command;

use subrosa_tests::stage::tree;

/// The most that is left open, in tenths. Media and room speak with a network, media with devices, and the guard must see
/// the users of its peers, `/proc/asound` and the nodes. The island's are root: one writes three files, one has the radio.
const MOST: [(&str, u32); 5] = [("guard", 10), ("media", 15), ("room", 15), ("island", 15), ("access-point", 25)];

#[test]
fn units_leave_no_more_open_than_they_need() {
    let version = Command::new("systemd-analyze").arg("--version").output().expect("systemd-analyze");
    println!("{}", String::from_utf8_lossy(&version.stdout).lines().next().unwrap_or_default());
    for (unit, most) in MOST {
        let file = tree().join(format!("systemd/subrosa-{unit}.service"));
        let judged = |threshold: u32| {
            let ran = Command::new("systemd-analyze")
                .args(["security", "--offline=yes", "--no-pager", &format!("--threshold={threshold}")])
                .arg(&file)
                .output()
                .expect("systemd-analyze");
            (ran.status.success(), String::from_utf8_lossy(&ran.stdout).into_owned())
        };
        let (good, said) = judged(most);
        println!("{}", said.lines().last().unwrap_or_default());
        assert!(good, "{unit}: more than {most} tenths:\n{said}");
        assert!(!judged(1).0, "systemd-analyze judges");
    }
}
