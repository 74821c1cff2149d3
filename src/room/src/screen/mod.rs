//! The room's screen: [`view::View`] (what is true) → `scene` (what is where; pure) → `draw` (pixels).

pub mod view;
