//! The typefaces of the screen: Inter where it is installed, any other sans serif where it is not. What a name needs
//! and they do not have comes from other fonts of the machine, loaded when the first such character is drawn.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use resvg::usvg::fontdb::{Database, Source};
use resvg::usvg::{FallbackSelectionFn, FontResolver, Node, Options, Tree};

use super::svg;

/// Where distributions put fonts.
const ROOTS: [&str; 2] = ["/usr/share/fonts", "/usr/local/share/fonts"];

/// Fonts for characters that the typeface of the screen has not, in the order in which they are tried.
const OTHERS: [&str; 9] = [
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "NotoSansArabic-Regular.ttf",
    "NotoSansHebrew-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "NotoSansThai-Regular.ttf",
    "NotoSansCJK-Regular.ttc",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
];

/// How heavy a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Weight {
    /// 400
    Regular,
    /// 600
    SemiBold,
    /// 700
    Bold,
}

impl Weight {
    /// As CSS and SVG write it.
    #[must_use]
    pub fn number(self) -> u16 {
        match self {
            Weight::Regular => 400,
            Weight::SemiBold => 600,
            Weight::Bold => 700,
        }
    }
}

/// Why nothing can be written on the screen.
#[derive(Debug, thiserror::Error)]
pub enum FontsError {
    /// The machine has no font that could be used.
    #[error("no font was found under /usr/share/fonts: install Debian's package fonts-inter")]
    None,
}

/// The typefaces, loaded once.
pub struct Fonts {
    family: String,
    options: Options<'static>,
}

impl Fonts {
    /// Finds and loads them.
    ///
    /// # Errors
    /// When the machine has no usable font.
    pub fn load() -> Result<Self, FontsError> {
        Self::of(&ROOTS.map(Path::new))
    }

    fn of(roots: &[&Path]) -> Result<Self, FontsError> {
        let mut files = Vec::new();
        for root in roots {
            walk(root, 0, &mut files);
        }
        files.sort();
        let named = |name: &str| files.iter().find(|path| path.file_name() == Some(OsStr::new(name)));
        let of_inter =
            |style: &str| named(&format!("Inter-{style}.otf")).or_else(|| named(&format!("Inter-{style}.ttf")));
        let chosen: Vec<&PathBuf> = match of_inter("Regular") {
            Some(regular) => [Some(regular), of_inter("SemiBold"), of_inter("Bold")].into_iter().flatten().collect(),
            None => {
                tracing::warn!(
                    "the typeface Inter is missing, another one is used: install Debian's package fonts-inter"
                );
                match named("DejaVuSans.ttf") {
                    Some(regular) => [Some(regular), named("DejaVuSans-Bold.ttf")].into_iter().flatten().collect(),
                    None => files.iter().filter(|path| is_plain_sans(path)).take(1).collect(),
                }
            }
        };
        let mut database = Database::new();
        for path in chosen {
            match fs::read(path) {
                Ok(data) => database.load_font_data(data),
                Err(error) => tracing::warn!(%error, "a font cannot be read"),
            }
        }
        let family = database
            .faces()
            .next()
            .and_then(|face| face.families.first())
            .map(|(name, _)| name.clone())
            .ok_or(FontsError::None)?;
        // usvg asks for *serif* when it finds no font of the family asked for; there is only one here.
        database.set_serif_family(&family);
        let others = OTHERS.iter().filter_map(|name| named(name)).cloned().collect();
        let options = Options {
            font_family: family.clone(),
            font_resolver: FontResolver {
                select_font: FontResolver::default_font_selector(),
                select_fallback: Others::new(others).into_selector(),
            },
            fontdb: Arc::new(database),
            ..Options::default()
        };
        Ok(Fonts { family, options })
    }

    /// The name of the family.
    #[must_use]
    pub fn family(&self) -> &str {
        &self.family
    }

    /// What the SVG parser needs.
    pub(super) fn options(&self) -> &Options<'static> {
        &self.options
    }

    /// How wide a text is, in units of its size (em). Shaped as it will be drawn, so kerning, scripts that join
    /// their letters and fonts of other scripts count.
    #[must_use]
    pub fn width(&self, text: &str, weight: Weight) -> f32 {
        if text.trim().is_empty() {
            return 0.0;
        }
        // A size of 100 keeps the rounding of coordinates out of the result.
        let source = svg::measured(text, weight, &self.family);
        let Ok(tree) = Tree::from_str(&source, &self.options) else { return 0.0 };
        let width = tree
            .root()
            .children()
            .iter()
            .filter_map(|node| match node {
                Node::Text(text) => Some(text.bounding_box().width()),
                Node::Group(_) | Node::Path(_) | Node::Image(_) => None,
            })
            .fold(0.0, f32::max);
        width / 100.0
    }
}

fn walk(folder: &Path, depth: u32, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_font = path
            .extension()
            .and_then(OsStr::to_str)
            .is_some_and(|extension| matches!(extension.to_ascii_lowercase().as_str(), "otf" | "ttf" | "ttc"));
        if is_font {
            files.push(path);
        } else if depth < 5 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&path, depth + 1, files);
        }
    }
}

/// An upright sans serif of normal weight, by its file's name.
fn is_plain_sans(path: &Path) -> bool {
    let name = path.file_stem().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
    (name.contains("sans") || name.contains("gothic") || name.contains("arial"))
        && !["bold", "italic", "oblique", "mono", "condensed", "light", "thin", "cjk"]
            .iter()
            .any(|word| name.contains(word))
}

/// Fonts of other scripts: read when they are needed, kept from then on.
struct Others {
    files: Vec<PathBuf>,
    read: Mutex<Vec<Option<Arc<Vec<u8>>>>>,
}

impl Others {
    fn new(files: Vec<PathBuf>) -> Self {
        Others { files, read: Mutex::new(Vec::new()) }
    }

    /// The data of one file, `None` past the last one. Reads each file once.
    fn nth(&self, index: usize) -> Option<Option<Arc<Vec<u8>>>> {
        let path = self.files.get(index)?;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        while read.len() <= index {
            read.push(None);
        }
        let slot = read.get_mut(index)?;
        if slot.is_none() {
            *slot = fs::read(path).ok().map(Arc::new);
        }
        Some(slot.clone())
    }

    fn into_selector(self) -> FallbackSelectionFn<'static> {
        let here = FontResolver::default_fallback_selector();
        Box::new(move |character, used, database| {
            let mut next = 0;
            loop {
                // Which of the fonts loaded so far has the character? If none has, load the next file.
                if let Some(id) = here(character, used, database) {
                    return Some(id);
                }
                let data = self.nth(next)?;
                next += 1;
                if let Some(data) = data {
                    Arc::make_mut(database).load_font_source(Source::Binary(data));
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inter_is_found_and_measured() {
        let fonts = Fonts::load().unwrap();
        let (narrow, wide) = (fonts.width("iiii", Weight::Regular), fonts.width("MMMM", Weight::Regular));
        assert!(narrow > 0.0 && wide > 2.0 * narrow, "{narrow} {wide}");
        assert!(fonts.width("Rosa", Weight::Bold) > fonts.width("Rosa", Weight::Regular));
        let twice = fonts.width("nn", Weight::Regular) / fonts.width("n", Weight::Regular);
        assert!((twice - 2.0).abs() < 0.05, "{twice}");
    }

    #[test]
    fn what_xml_would_take_for_markup_is_measured_as_text() {
        let fonts = Fonts::load().unwrap();
        assert!(fonts.width("<&>\"'", Weight::Regular) > 1.0);
        assert!(fonts.width("a\u{0}\u{b}b", Weight::Regular) > 0.5);
    }

    #[test]
    fn other_scripts_have_a_width() {
        let fonts = Fonts::load().unwrap();
        for name in ["Анна", "Ελένη", "سلام"] {
            assert!(fonts.width(name, Weight::SemiBold) > 1.0, "{name}");
        }
    }

    #[test]
    fn a_machine_without_fonts_gets_told_which_package() {
        let empty = tempfile::tempdir().unwrap();
        let error = Fonts::of(&[empty.path()]).err().unwrap().to_string();
        assert!(error.contains("fonts-inter"));
    }
}
