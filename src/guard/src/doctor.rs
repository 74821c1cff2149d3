//! What `subrosa doctor` is told of the lines while no guard runs.
//!
//! Nobody watches the nodes then, so live lamps are lit, as after a guard's end, and none is shown by itself.

use std::thread::sleep;
use std::time::Duration;

use subrosa_board::Board;
use subrosa_messages::doctor::{InputLook, LinesLook};
use subrosa_messages::guard::Lamp;
use subrosa_process::run_dir::RunDir;

use crate::lines::{self, LinesError};

/// Lines whose bias was just set need a moment to follow it: 10 kΩ and 100 nF, five times.
const SETTLED: Duration = Duration::from_millis(5);

/// Takes hold of all lines, looks, and lets them go.
///
/// # Errors
/// When the lines cannot be reached at all.
pub fn look(board: &Board, run: &RunDir) -> Result<LinesLook, LinesError> {
    let mut lines = lines::open(board, run)?;
    sleep(SETTLED);
    let inputs = board.inputs().into_iter();
    let inputs = inputs.map(|(key, line)| InputLook { key: key.to_owned(), level: lines.read(line) }).collect();
    let lamps = board.lamps().into_iter().map(|(key, line, lit)| {
        let wanted = if lit { Lamp::Lit } else { Lamp::Dark };
        (key.to_owned(), lines.set(line, lit) == wanted)
    });
    let lamps = lamps.collect();
    Ok(LinesLook { inputs, lamps })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn switches_are_read_and_live_lamps_lit() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDir::new(folder.path());
        fs::create_dir_all(run.sim_lines()).unwrap();
        let board = Board::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../boards/sim.toml")).unwrap();
        for (line, level) in [("button", "0"), ("camera-shutter", "1"), ("camera-live", "0"), ("microphone-muted", "1")]
        {
            fs::write(run.sim_lines().join(line), level).unwrap();
        }
        let seen = look(&board, &run).unwrap();
        let level = |key: &str| seen.inputs.iter().find(|it| it.key == key).unwrap().level;
        assert_eq!(
            [level("button"), level("camera.switch"), level("microphone.switch")],
            [Some(false), Some(true), None]
        );
        let lamp = |key: &str| seen.lamps.iter().find(|it| it.0 == key).unwrap().1;
        assert_eq!([lamp("camera.live"), lamp("microphone.muted"), lamp("microphone.live")], [true, true, false]);
        assert_eq!(fs::read_to_string(run.sim_lines().join("camera-live")).unwrap(), "1");
    }
}
