//! The operator's picture, which guests see behind the people in the room: read once, scaled to cover the room's picture.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{ImageHrefResolver, ImageKind, Options, Tree};
use subrosa_messages::media::Size;

/// What stands behind people: RGBA (sRGB, opaque), four bytes for each pixel.
#[derive(Debug)]
pub struct Behind {
    /// Its size.
    pub size: Size,
    /// `size.width * size.height * 4` bytes.
    pub rgba: Vec<u8>,
}

/// Larger files are no pictures for this.
const LARGEST: u64 = 32 * 1024 * 1024;

/// Why a picture cannot be used. A colour takes its place.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The file cannot be read.
    #[error("{path}: the background picture cannot be read ({source}); until it can, its colour is shown")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no picture.
    #[error(
        "{path}: this is no PNG, JPEG or WebP picture of at most 32 MiB; until it is, the background's colour is shown"
    )]
    Kind {
        /// Which file.
        path: PathBuf,
    },
}

/// Reads a picture and scales it to cover a picture of that size. What is transparent in it has the colour.
///
/// # Errors
/// When the file cannot be read or is no picture.
pub fn read(path: &Path, size: Size, colour: [u8; 3]) -> Result<Behind, Unreadable> {
    let failed = |source| Unreadable::File { path: path.to_owned(), source };
    let no_picture = || Unreadable::Kind { path: path.to_owned() };
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        return Err(no_picture());
    }
    let kind = kind(Arc::new(bytes)).ok_or_else(no_picture)?;
    let pixmap = cover(kind, size).ok_or_else(no_picture)?;
    let rgba = pixmap.pixels().iter().flat_map(|pixel| {
        // Premultiplied: what is missing to opaque is the colour's.
        let rest = u16::from(255 - pixel.alpha());
        let over = |own: u8, below: u8| own.saturating_add(u8::try_from(u16::from(below) * rest / 255).unwrap_or(255));
        let [red, green, blue] = colour;
        [over(pixel.red(), red), over(pixel.green(), green), over(pixel.blue(), blue), 255]
    });
    Ok(Behind { size, rgba: rgba.collect() })
}

/// What a file begins with.
fn kind(bytes: Arc<Vec<u8>>) -> Option<ImageKind> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some(ImageKind::PNG(bytes))
    } else if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        Some(ImageKind::JPEG(bytes))
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some(ImageKind::WEBP(bytes))
    } else {
        None
    }
}

/// Draws it. `None` where nothing was drawn: the file cannot be decoded.
fn cover(kind: ImageKind, size: Size) -> Option<Pixmap> {
    let Size { width, height } = size;
    let document = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' width='{width}' height='{height}'>\
         <image width='{width}' height='{height}' preserveAspectRatio='xMidYMid slice' xlink:href='picture'/></svg>"
    );
    let options = Options {
        image_href_resolver: ImageHrefResolver {
            resolve_string: Box::new(move |_, _| Some(kind.clone())),
            ..ImageHrefResolver::default()
        },
        ..Options::default()
    };
    let tree = Tree::from_str(&document, &options).ok()?;
    let mut pixmap = Pixmap::new(width, height)?;
    resvg::render(&tree, Transform::identity(), &mut pixmap.as_mut());
    pixmap.pixels().iter().any(|pixel| pixel.alpha() > 0).then_some(pixmap)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 64, height: 36 };

    /// A file with a picture: left half red, right half green, and a transparent band at its lower edge.
    fn picture(folder: &Path, width: u32, height: u32) -> PathBuf {
        let mut pixmap = Pixmap::new(width, height).unwrap();
        for (index, pixel) in pixmap.data_mut().chunks_exact_mut(4).enumerate() {
            let (x, y) = (index as u32 % width, index as u32 / width);
            if y < height * 3 / 4 {
                pixel.copy_from_slice(if x < width / 2 { &[255, 0, 0, 255] } else { &[0, 255, 0, 255] });
            }
        }
        let path = folder.join("picture.png");
        pixmap.save_png(&path).unwrap();
        path
    }

    #[test]
    fn a_picture_covers_the_whole_and_keeps_its_proportions() {
        let folder = tempfile::tempdir().unwrap();
        for (width, height) in [(640, 360), (200, 400), (900, 100)] {
            let read = read(&picture(folder.path(), width, height), SIZE, [1, 2, 3]).unwrap();
            assert_eq!(read.rgba.len(), 64 * 36 * 4);
            let at = |x: usize, y: usize| {
                let start = (y * 64 + x) * 4;
                <[u8; 3]>::try_from(&read.rgba[start..start + 3]).unwrap()
            };
            assert_eq!((at(2, 4), at(61, 4)), ([255, 0, 0], [0, 255, 0]), "{width}×{height}");
        }
        let whole = read(&picture(folder.path(), 640, 360), SIZE, [1, 2, 3]).unwrap();
        assert_eq!(whole.rgba[whole.rgba.len() - 4..], [1, 2, 3, 255], "what is transparent has the colour");
    }

    #[test]
    fn what_is_no_picture_is_refused_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = read(&folder.path().join("none.png"), SIZE, [0; 3]).err().unwrap();
        assert!(matches!(&missing, Unreadable::File { .. }) && missing.to_string().contains("none.png"));
        for (name, bytes) in
            [("text", &b"a letter"[..]), ("cut", b"\x89PNG\r\n\x1a\n cut"), ("jpeg", &[0xff, 0xd8, 0xff, 0])]
        {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let refused = read(&path, SIZE, [0; 3]).err().unwrap();
            assert!(matches!(&refused, Unreadable::Kind { .. }), "{name}: {refused}");
        }
    }
}
