//! Things under each other in a column of given height. What has no room is left out, the least needed first; what can
//! grow takes the space that is left.

use super::sheet::Sheet;

/// Writes a part at this upper edge, with this height.
type Write<'a> = Box<dyn FnOnce(&mut Sheet<'_>, f32, f32) + 'a>;

/// One thing of a column.
pub(super) struct Part<'a> {
    height: f32,
    grows: f32,
    above: f32,
    need: u8,
    write: Write<'a>,
}

impl<'a> Part<'a> {
    /// A part of this height with a gap above it. Parts with the same `need` are left out together.
    pub fn new(need: u8, above: f32, height: f32, write: impl FnOnce(&mut Sheet<'_>, f32, f32) + 'a) -> Self {
        Part { height, grows: 0.0, above, need, write: Box::new(write) }
    }

    /// The same, but up to so much higher if there is room.
    pub fn growing(self, grows: f32) -> Self {
        Part { grows, ..self }
    }
}

/// Places a column at this upper edge; where it ends.
pub(super) fn place(sheet: &mut Sheet<'_>, mut parts: Vec<Part<'_>>, top: f32, height: f32) -> f32 {
    fit(&mut parts, height);
    let mut spare = height - total(&parts);
    let mut top = top;
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            top += part.above;
        }
        let grown = part.grows.min(spare).max(0.0);
        spare -= grown;
        (part.write)(sheet, top, part.height + grown);
        top += part.height + grown;
    }
    top
}

/// The height of a column.
pub(super) fn total(parts: &[Part<'_>]) -> f32 {
    parts.iter().enumerate().map(|(index, part)| part.height + if index > 0 { part.above } else { 0.0 }).sum()
}

/// Leaves out what has no room.
pub(super) fn fit(parts: &mut Vec<Part<'_>>, height: f32) {
    while total(parts) > height {
        let Some(least) = parts.iter().map(|part| part.need).min() else { return };
        parts.retain(|part| part.need != least);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(need: u8, height: f32) -> Part<'static> {
        Part::new(need, 10.0, height, |_, _, _| {})
    }

    #[test]
    fn the_least_needed_goes_first() {
        let kept = |height: f32| {
            let mut parts = vec![part(1, 100.0), part(3, 50.0), part(2, 50.0), part(2, 20.0)];
            fit(&mut parts, height);
            parts.iter().map(|part| part.need).collect::<Vec<_>>()
        };
        assert_eq!(kept(250.0), [1, 3, 2, 2]);
        assert_eq!(kept(249.0), [3, 2, 2]);
        assert_eq!(kept(100.0), [3]);
        assert!(kept(40.0).is_empty());
    }
}
