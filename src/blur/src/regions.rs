//! People who sit far away: windows of the picture in which people were last seen are looked at by themselves, enlarged.
//!
//! The segmenter knows people who fill a good part of its picture. At half that size it finds hardly anybody, but looked at through
//! a window that fits them it finds them at a tenth (figures in `docs/blur.md`). So:
//!
//! - Whoever is found small gets a window that fits closely and follows them, as when somebody walks away from the switch at the door.
//! - Whoever was never near is searched for: one window after the other, of three sizes. A find counts only after several looks in
//!   a row agree, and only when something in it has moved: a coat on a chair must not open a hole in the blur.
//! - All windows of one mask are taken from one picture, so it has one age.

use crate::thumbnail::Window;

/// A part of the picture, in shares of its width and height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// Left edge.
    pub left: f32,
    /// Upper edge.
    pub top: f32,
    /// Right edge.
    pub right: f32,
    /// Lower edge.
    pub bottom: f32,
}

impl Area {
    /// All of it.
    pub const WHOLE: Area = Area { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 };

    /// The pixels of it in a picture of this size.
    #[must_use]
    pub fn window(self, (width, height): (usize, usize)) -> Window {
        let at = |share: f32, of: usize| (share * of as f32).round() as usize;
        let (x, y) = (at(self.left, width), at(self.top, height));
        let window = Window {
            x,
            y,
            width: at(self.right, width).saturating_sub(x),
            height: at(self.bottom, height).saturating_sub(y),
        };
        window.within((width, height))
    }

    fn width(self) -> f32 {
        self.right - self.left
    }

    fn height(self) -> f32 {
        self.bottom - self.top
    }

    fn surface(self) -> f32 {
        self.width().max(0.0) * self.height().max(0.0)
    }

    fn common(self, other: Area) -> Area {
        Area {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
    }

    fn with(self, other: Area) -> Area {
        Area {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    /// How much of the smaller of both lies in the other.
    fn overlap(self, other: Area) -> f32 {
        let common = self.common(other);
        if common.width() <= 0.0 || common.height() <= 0.0 {
            return 0.0;
        }
        common.surface() / self.surface().min(other.surface()).max(f32::EPSILON)
    }

    /// A place in this area, as a place in the picture.
    fn place(self, inner: Area) -> Area {
        let x = |share: f32| self.left + share * self.width();
        let y = |share: f32| self.top + share * self.height();
        Area { left: x(inner.left), top: y(inner.top), right: x(inner.right), bottom: y(inner.bottom) }
    }

    /// The window that fits people in this place: of the picture's shape, with their lower end at its own, since people at tables
    /// and in portraits are cut off there.
    fn fitting(self) -> Area {
        let side = (CLOSE * self.width().max(self.height())).clamp(SMALLEST, 1.0);
        let left = ((self.left + self.right - side) / 2.0).clamp(0.0, 1.0 - side);
        let top = (self.bottom + 0.02 * side - side).clamp(0.0, 1.0 - side);
        Area { left, top, right: left + side, bottom: top + side }
    }
}

/// A window is so much larger than the people in it. Looser ones lose them (measured: at 1.5 a third of them within five looks).
const CLOSE: f32 = 1.15;
/// No window is smaller: an eighth of a 720p picture has 160 by 90 pixels.
const SMALLEST: f32 = 0.12;
/// People who need a larger window are found in the whole picture.
const LARGE: f32 = 0.85;
/// More than this is a person, in a mask.
const PERSON: f32 = 0.5;
/// A window in which nobody is found so many times is given up.
const MISSES: u32 = 8;
/// So many looks in a row must agree on a find.
const AGREEING: u32 = 4;
/// A find that has not moved after so many looks is given up.
const STILL: u32 = 90;
/// Means of blocks of a picture differ by so much where something moves; noise of a sensor stays far below.
const MOVED: f32 = 0.025;
/// A search is made with every so-manieth mask when somebody is seen already, and with each one when nobody is.
const SEARCH: u32 = 4;
/// So many finds are watched at once for movement, beside the search.
const WATCHED: usize = 3;
/// Sides of the windows of a search; they overlap by half.
const SEARCHED: [f32; 3] = [0.55, 0.38, 0.26];

/// One look of the segmenter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// At what.
    pub area: Area,
    aim: Aim,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Aim {
    Whole,
    Seat(usize),
    Candidate(usize),
    Search,
}

/// Where somebody was last seen.
#[derive(Clone, Copy, Debug)]
struct Seat {
    people: Area,
    window: Area,
    misses: u32,
}

/// Where somebody may be.
#[derive(Clone, Debug)]
struct Candidate {
    people: Area,
    window: Area,
    agreed: u32,
    looks: u32,
    moved: bool,
    before: Vec<f32>,
}

/// What a look has brought.
pub struct Seen<'a> {
    /// The look.
    pub look: Look,
    /// What was looked at (RGB, 0 to 1).
    pub pixels: &'a [[f32; 3]],
    /// The mask of it.
    pub mask: &'a [f32],
}

/// Where to look. One for each camera.
#[derive(Clone, Debug, Default)]
pub struct Regions {
    most: usize,
    seats: Vec<Seat>,
    candidates: Vec<Candidate>,
    turn: u32,
    /// Which candidate comes next, or behind the last the search.
    next: usize,
    searched: usize,
    anybody: bool,
}

impl Look {
    /// Whether it is at the whole picture.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.aim == Aim::Whole
    }
}

impl Regions {
    /// At most so many windows besides the whole picture; without any, nobody is searched for.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Regions { most, ..Regions::default() }
    }

    /// What to look at in the next picture.
    pub fn looks(&mut self) -> Vec<Look> {
        let mut looks = vec![Look { area: Area::WHOLE, aim: Aim::Whole }];
        let seats = self.seats.iter().enumerate();
        looks.extend(seats.map(|(at, seat)| Look { area: seat.window, aim: Aim::Seat(at) }));
        if self.most == 0 {
            return looks;
        }
        self.turn = self.turn.wrapping_add(1);
        if self.turn.is_multiple_of(SEARCH) || !self.anybody {
            // A new find is looked at until it is clear; then all are watched in turn, and the search goes on.
            let unclear = self.candidates.iter().position(|candidate| candidate.agreed < AGREEING);
            let at = unclear.unwrap_or(self.next % (self.candidates.len() + 1));
            self.next = at + 1;
            looks.push(match self.candidates.get(at) {
                Some(candidate) => Look { area: candidate.window, aim: Aim::Candidate(at) },
                None => Look { area: self.next_search(), aim: Aim::Search },
            });
        }
        looks
    }

    /// Windows of three sizes, row by row, over and over.
    fn next_search(&mut self) -> Area {
        let counts = SEARCHED.map(|side| ((1.0 - side) / (side / 2.0)).ceil() as usize + 1);
        let all: usize = counts.iter().map(|count| count * count).sum();
        let mut at = self.searched % all;
        self.searched = self.searched.wrapping_add(1);
        for (side, count) in SEARCHED.into_iter().zip(counts) {
            if let Some(left) = at.checked_sub(count * count) {
                at = left;
                continue;
            }
            let step = (1.0 - side) / (count - 1) as f32;
            let (left, top) = ((at % count) as f32 * step, (at / count) as f32 * step);
            return Area { left, top, right: left + side, bottom: top + side };
        }
        Area::WHOLE
    }

    /// Learns from what was seen, and makes one mask of it for the whole picture, of `size` (columns and rows) like all the others.
    pub fn learn(&mut self, seen: &[Seen<'_>], size: (usize, usize), mask: &mut Vec<f32>) {
        mask.clear();
        let whole = seen.iter().find(|seen| seen.look.aim == Aim::Whole);
        mask.extend_from_slice(whole.map(|seen| seen.mask).unwrap_or_default());
        mask.resize(size.0 * size.1, f32::NAN);
        for seen in seen {
            let people = people(seen.mask, size).map(|people| seen.look.area.place(people));
            match seen.look.aim {
                Aim::Whole => {}
                Aim::Seat(at) => {
                    if people.is_some() {
                        lay_over(mask, size, seen);
                    }
                    if let Some(seat) = self.seats.get_mut(at) {
                        seat.follow(people);
                    }
                }
                Aim::Candidate(at) => self.consider(at, people, seen, size),
                Aim::Search => {
                    let people = people.filter(|people| self.is_new(*people) && self.candidates.len() < WATCHED);
                    self.candidates.extend(people.map(|people| Candidate {
                        people,
                        window: people.fitting(),
                        agreed: 0,
                        looks: 0,
                        moved: false,
                        before: Vec::new(),
                    }));
                }
            }
        }
        self.seats.retain(|seat| seat.misses < MISSES && seat.window.width() < LARGE);
        if let Some(whole) = whole {
            for people in crowds(whole.mask, size) {
                self.seat(people);
            }
        }
        self.join();
        self.anybody = !self.seats.is_empty() || whole.is_some_and(|seen| people(seen.mask, size).is_some());
    }

    fn is_new(&self, people: Area) -> bool {
        // Who is found in part is found anew when more of them is.
        let mut seats = self.seats.iter().filter(|seat| people.surface() < 1.5 * seat.people.surface());
        let mut watched = self.candidates.iter();
        seats.all(|seat| seat.window.overlap(people) < 0.5)
            && watched.all(|candidate| candidate.window.overlap(people) < 0.5)
    }

    fn seat(&mut self, people: Area) {
        let window = people.fitting();
        if self.seats.len() < self.most && window.width() < LARGE && self.is_new(people) {
            self.seats.push(Seat { people, window, misses: 0 });
        }
    }

    /// Two windows on the same people become one.
    fn join(&mut self) {
        let mut joined: Vec<Seat> = Vec::new();
        for seat in self.seats.drain(..) {
            match joined.iter_mut().find(|other| other.window.overlap(seat.window) > 0.6) {
                Some(other) => {
                    other.people = other.people.with(seat.people);
                    other.window = other.people.fitting();
                }
                None => joined.push(seat),
            }
        }
        self.seats = joined;
    }

    fn consider(&mut self, at: usize, people: Option<Area>, seen: &Seen<'_>, size: (usize, usize)) {
        if at >= self.candidates.len() {
            return;
        }
        let mut candidate = self.candidates.remove(at);
        let Some(people) = people.filter(|people| people.overlap(candidate.people) > 0.5) else { return };
        let blocks = blocks(seen.pixels, size);
        candidate.moved |= moved(&candidate.before, &blocks);
        candidate.looks += 1;
        candidate.agreed += 1;
        candidate.people = people;
        if candidate.agreed >= AGREEING && candidate.moved {
            return self.seat(people);
        }
        // The window moves while it is being fitted, and then stands, so that pictures of it can be compared.
        if candidate.agreed < AGREEING {
            candidate.window = people.fitting();
        } else if candidate.before.is_empty() {
            candidate.before = blocks;
        }
        if candidate.looks < STILL {
            self.candidates.insert(at, candidate);
        }
    }
}

impl Seat {
    fn follow(&mut self, people: Option<Area>) {
        let Some(people) = people else {
            self.misses += 1;
            return;
        };
        self.misses = 0;
        self.people = people;
        let fitting = people.fitting();
        let ratio = fitting.width() / self.window.width();
        let moved = (fitting.left - self.window.left).abs().max((fitting.bottom - self.window.bottom).abs());
        // A window that trembles makes edges tremble.
        if !(0.87..1.15).contains(&ratio) || moved > 0.08 * self.window.width() {
            self.window = fitting;
        }
    }
}

/// Puts the mask of a window into the mask of the whole, fading at the window's edges into what was found there.
fn lay_over(mask: &mut [f32], (columns, rows): (usize, usize), seen: &Seen<'_>) {
    let area = seen.look.area;
    let fade = |inside: f32, near: bool, far: bool| {
        // No fading at the edge of the picture.
        let from = if near { 1.0 } else { inside / 0.05 };
        let to = if far { 1.0 } else { (1.0 - inside) / 0.05 };
        from.min(to).clamp(0.0, 1.0)
    };
    for (row, line) in mask.chunks_mut(columns.max(1)).enumerate() {
        let down = ((row as f32 + 0.5) / rows as f32 - area.top) / area.height();
        if !(0.0..1.0).contains(&down) {
            continue;
        }
        let down_share = fade(down, area.top <= 0.0, area.bottom >= 1.0);
        for (column, value) in line.iter_mut().enumerate() {
            let across = ((column as f32 + 0.5) / columns as f32 - area.left) / area.width();
            if (0.0..1.0).contains(&across) {
                let share = down_share.min(fade(across, area.left <= 0.0, area.right >= 1.0));
                *value += (sample(seen.mask, (columns, rows), across, down) - *value) * share;
            }
        }
    }
}

/// A mask's value at a place in shares of it.
fn sample(mask: &[f32], (columns, rows): (usize, usize), across: f32, down: f32) -> f32 {
    let x = (across * columns as f32 - 0.5).clamp(0.0, columns.saturating_sub(1) as f32);
    let y = (down * rows as f32 - 0.5).clamp(0.0, rows.saturating_sub(1) as f32);
    let (column, row) = (x as usize, y as usize);
    let at = |row: usize| {
        let line = mask.get(row * columns..(row + 1) * columns).unwrap_or_default();
        match (line.get(column), line.get(column + 1).or(line.get(column))) {
            (Some(one), Some(other)) => one + (other - one) * x.fract(),
            // What is missing is not believed.
            _ => f32::NAN,
        }
    };
    let (upper, lower) = (at(row), at((row + 1).min(rows.saturating_sub(1))));
    upper + (lower - upper) * y.fract()
}

/// Pixels on one side of the cells in which people are looked for.
const CELL: usize = 8;

/// Which cells of a mask show people, mostly.
fn cells(mask: &[f32], (columns, rows): (usize, usize)) -> (Vec<bool>, usize) {
    let across = columns.div_ceil(CELL);
    let mut counts = vec![0_usize; across * rows.div_ceil(CELL)];
    for (row, line) in mask.chunks(columns.max(1)).enumerate() {
        for (cell, values) in line.chunks(CELL).enumerate() {
            if let Some(count) = counts.get_mut(row / CELL * across + cell) {
                *count += values.iter().filter(|value| **value > PERSON).count();
            }
        }
    }
    (counts.into_iter().map(|count| count > CELL * CELL / 3).collect(), across)
}

/// The place of all people in a mask.
fn people(mask: &[f32], size: (usize, usize)) -> Option<Area> {
    crowds(mask, size).into_iter().reduce(Area::with)
}

/// The places of people who do not touch each other, each at least of two cells.
fn crowds(mask: &[f32], size: (usize, usize)) -> Vec<Area> {
    let (mut cells, across) = cells(mask, size);
    let mut crowds = Vec::new();
    while let Some(first) = cells.iter().position(|cell| *cell) {
        let mut found = Vec::new();
        let mut open = vec![first];
        while let Some(at) = open.pop() {
            if let Some(cell) = cells.get_mut(at)
                && std::mem::take(cell)
            {
                found.push(at);
                let (column, row) = (at % across, at / across);
                open.extend((column > 0).then(|| at - 1));
                open.extend((column + 1 < across).then_some(at + 1));
                open.extend((row > 0).then(|| at - across));
                open.push(at + across);
            }
        }
        if found.len() < 2 {
            continue;
        }
        let place = |at: usize, cells: usize, of: usize| ((at + cells) * CELL).min(of) as f32 / of as f32;
        let area = |at: &usize| Area {
            left: place(at % across, 0, size.0),
            top: place(at / across, 0, size.1),
            right: place(at % across, 1, size.0),
            bottom: place(at / across, 1, size.1),
        };
        crowds.extend(found.iter().map(area).reduce(Area::with));
    }
    crowds
}

/// Mean brightness of blocks.
fn blocks(pixels: &[[f32; 3]], (columns, rows): (usize, usize)) -> Vec<f32> {
    let across = columns.div_ceil(2 * CELL);
    let mut sums = vec![(0.0_f32, 0.0_f32); across * rows.div_ceil(2 * CELL)];
    for (row, line) in pixels.chunks(columns.max(1)).enumerate() {
        for (block, pixels) in line.chunks(2 * CELL).enumerate() {
            if let Some((sum, count)) = sums.get_mut(row / (2 * CELL) * across + block) {
                *sum += pixels.iter().map(|[_, green, _]| green).sum::<f32>();
                *count += pixels.len() as f32;
            }
        }
    }
    sums.into_iter().map(|(sum, count)| sum / count.max(1.0)).collect()
}

/// Whether something moves between two pictures. A lamp that changes the light of all of it is no movement.
fn moved(before: &[f32], now: &[f32]) -> bool {
    if before.len() != now.len() || before.is_empty() {
        return false;
    }
    let mut changes: Vec<f32> = before.iter().zip(now).map(|(before, now)| now - before).collect();
    changes.sort_by(f32::total_cmp);
    let middle = changes.get(changes.len() / 2).copied().unwrap_or_default();
    changes.iter().any(|change| (change - middle).abs() > MOVED)
}

#[cfg(test)]
mod tests;
