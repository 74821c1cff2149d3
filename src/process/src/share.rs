//! Where the files that come with the programs are: board files, and the data that the simulated room plays.

use std::env;
use std::path::{Path, PathBuf};

use subrosa_board::FindError;

/// The folder of the files that come with the programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share(PathBuf);

impl Share {
    /// The folder named by the person, else the source tree that the running program was built in, else
    /// `/usr/share/subrosa`.
    #[must_use]
    pub fn find(named: Option<&Path>) -> Self {
        if let Some(named) = named {
            return Share(named.to_owned());
        }
        let tree = env::current_exe().ok().and_then(|program| {
            program.ancestors().skip(1).take(4).find(|folder| folder.join("boards").is_dir()).map(Path::to_owned)
        });
        Share(tree.unwrap_or_else(|| PathBuf::from("/usr/share/subrosa")))
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The folder of the board files.
    #[must_use]
    pub fn boards(&self) -> PathBuf {
        self.0.join("boards")
    }

    /// The file of a board: by its name, by `auto`, which takes the one for this machine, or by a path, which is taken as
    /// it is.
    ///
    /// # Errors
    /// When there is no such board, or none for this machine.
    pub fn board_file(&self, board: &str) -> Result<PathBuf, FindError> {
        subrosa_board::find(board, &self.boards())
    }

    /// The model that tells people from what is behind them; made by `make data`.
    #[must_use]
    pub fn model(&self) -> PathBuf {
        self.data().join("selfie_segmentation_landscape.tflite")
    }

    /// What the simulated camera sees and the simulated microphone hears; made by `make data`.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.0.join("data")
    }
}
