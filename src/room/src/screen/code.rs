//! The QR code of the link with its token (ISO/IEC 18004), as dark and light modules.

use qrcode::{Color, EcLevel, QrCode};

/// The modules of a code, row by row, without the quiet zone.
#[derive(Clone, PartialEq, Eq)]
pub struct Modules {
    side: usize,
    dark: Vec<bool>,
}

impl Modules {
    /// The code of a text; `None` when the text is longer than a code can hold.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        // M restores 15 % of the modules: enough for reflections on a screen, and small enough to scan from afar.
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let dark = code.to_colors().into_iter().map(|colour| colour == Color::Dark).collect();
        Some(Modules { side: code.width(), dark })
    }

    /// Modules on one side.
    #[must_use]
    pub fn side(&self) -> usize {
        self.side
    }

    /// Each run of dark modules as row, first column and length.
    pub fn runs(&self) -> impl Iterator<Item = (usize, usize, usize)> + '_ {
        self.dark.chunks(self.side.max(1)).enumerate().flat_map(|(row, modules)| {
            let mut runs = Vec::new();
            let mut start = None;
            for (column, dark) in modules.iter().copied().chain(std::iter::once(false)).enumerate() {
                match (dark, start) {
                    (true, None) => start = Some(column),
                    (false, Some(first)) => {
                        runs.push((row, first, column - first));
                        start = None;
                    }
                    (true, Some(_)) | (false, None) => {}
                }
            }
            runs
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runs_are_the_dark_modules() {
        let modules = Modules::of("https://192.0.2.7:8443/#0123456789abcdef0123456789abcdef").unwrap();
        let from_runs: usize = modules.runs().map(|(_, _, length)| length).sum();
        assert_eq!(from_runs, modules.dark.iter().filter(|dark| **dark).count());
        assert_eq!(modules.dark.len(), modules.side() * modules.side());
        // The finder pattern in the upper left corner starts with seven dark modules.
        assert_eq!(modules.runs().next(), Some((0, 0, 7)));
    }

    #[test]
    fn too_long_a_text_has_no_code() {
        assert!(Modules::of(&"x".repeat(5000)).is_none());
    }
}
