//! How far away people may sit: the same real people pasted into a room at several sizes, and how much of them is found, against
//! their mask at full size. With the whole picture alone; followed while they walk away; and searched for where they already sit.
//! Pictures go to `tests/artefacts/far-*.png`.

use std::path::Path;

use subrosa_blur::composition::THUMBNAIL;
use subrosa_blur::picture::{Colours, Layout, Matrix, Picture};
use subrosa_blur::regions::{Regions, Seen};
use subrosa_blur::segmenter::Segmenter;
use subrosa_blur::selfie::Selfie;
use subrosa_blur::thumbnail::{Thumbnail, factor};
use subrosa_tests::stage::{artefact, tree};

use crate::blur::{frame, model, set_up};
use crate::report::Report;

const SIZE: (usize, usize) = (1280, 720);
const COLOURS: Colours = Colours { matrix: Matrix::Bt601, full_range: false };
const SCALES: [f32; 7] = [1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.12];
/// Masks of a search: forty seconds of them at fifteen a second.
const SEARCH: usize = 600;

/// A segmenter with windows for people far away.
struct Watch {
    segmenter: Selfie,
    regions: Regions,
    thumbnail: Thumbnail,
    looks: usize,
    masks: usize,
}

impl Watch {
    fn new(most: usize) -> Self {
        let segmenter = Selfie::open(&model()).expect("the model: `make data` fetches it");
        Watch { segmenter, regions: Regions::new(most), thumbnail: Thumbnail::default(), looks: 0, masks: 0 }
    }

    fn mask(&mut self, data: &mut [u8]) -> Vec<f32> {
        let picture = picture(data);
        let grid = self.segmenter.size();
        let looks = self.regions.looks();
        self.looks += looks.len();
        self.masks += 1;
        let looked: Vec<_> = looks
            .iter()
            .map(|look| {
                let window = look.area.window(SIZE);
                self.thumbnail.take(&picture, window, factor(window, THUMBNAIL));
                let (mut pixels, mut mask) = (Vec::new(), vec![0.0; grid.0 * grid.1]);
                self.thumbnail.rgb(COLOURS, grid, &mut pixels);
                self.segmenter.segment(&pixels, &mut mask).unwrap();
                (pixels, mask)
            })
            .collect();
        let seen: Vec<_> =
            looks.iter().zip(&looked).map(|(look, (pixels, mask))| Seen { look: *look, pixels, mask }).collect();
        let mut mask = Vec::new();
        self.regions.learn(&seen, grid, &mut mask);
        mask
    }
}

fn picture(data: &mut [u8]) -> Picture<'_> {
    let (luma, colours) = data.split_at_mut(SIZE.0 * SIZE.1);
    let (cb, cr) = colours.split_at_mut(SIZE.0 * SIZE.1 / 4);
    let planes = [(luma, SIZE.0), (cb, SIZE.0 / 2), (cr, SIZE.0 / 2)];
    Picture::new(Layout::I420, SIZE, COLOURS, planes).unwrap()
}

/// Real people and their mask at full size.
struct People {
    frame: Vec<u8>,
    mask: Vec<f32>,
}

impl People {
    fn new(path: &Path) -> Self {
        let mut frame = frame(path, SIZE);
        let mask = Watch::new(0).mask(&mut frame);
        People { frame, mask }
    }

    /// How much of a place of their photograph, in shares, is a person.
    fn share(&self, x: f32, y: f32) -> f32 {
        let at = |share: f32, of: usize| ((share * of as f32) as usize).min(of - 1);
        self.mask[at(y, THUMBNAIL.1) * THUMBNAIL.0 + at(x, THUMBNAIL.0)]
    }

    /// A picture of the room with them at this scale, and the mask that would be right.
    fn paste(&self, room: &[u8], scale: f32, middle: f32) -> (Vec<u8>, Vec<f32>) {
        let left = (middle - scale / 2.0).clamp(0.0, 1.0 - scale);
        let top = 0.75 * (1.0 - scale);
        let inside = |x: f32, y: f32| {
            let (x, y) = ((x - left) / scale, (y - top) / scale);
            ((0.0..1.0).contains(&x) && (0.0..1.0).contains(&y)).then_some((x, y))
        };
        let mut frame = room.to_vec();
        let mut start = 0;
        for (width, height) in [SIZE, (SIZE.0 / 2, SIZE.1 / 2), (SIZE.0 / 2, SIZE.1 / 2)] {
            let many = (1.0 / scale).ceil() as usize;
            for y in 0..height {
                for x in 0..width {
                    let Some((across, down)) =
                        inside((x as f32 + 0.5) / width as f32, (y as f32 + 0.5) / height as f32)
                    else {
                        continue;
                    };
                    let alpha = ((self.share(across, down) - 0.3) / 0.4).clamp(0.0, 1.0);
                    if alpha == 0.0 {
                        continue;
                    }
                    // The mean of the pixels that become one.
                    let (x0, y0) = ((across * width as f32) as usize, (down * height as f32) as usize);
                    let (mut sum, mut count) = (0.0, 0.0);
                    for row in y0.saturating_sub(many / 2)..(y0 + many.div_ceil(2)).min(height) {
                        for column in x0.saturating_sub(many / 2)..(x0 + many.div_ceil(2)).min(width) {
                            sum += f32::from(self.frame[start + row * width + column]);
                            count += 1.0;
                        }
                    }
                    let place = &mut frame[start + y * width + x];
                    *place = (f32::from(*place) * (1.0 - alpha) + sum / count * alpha) as u8;
                }
            }
            start += width * height;
        }
        let truth = (0..THUMBNAIL.0 * THUMBNAIL.1).map(|at| {
            let x = ((at % THUMBNAIL.0) as f32 + 0.5) / THUMBNAIL.0 as f32;
            let y = ((at / THUMBNAIL.0) as f32 + 0.5) / THUMBNAIL.1 as f32;
            inside(x, y).map_or(0.0, |(x, y)| self.share(x, y))
        });
        (frame, truth.collect())
    }
}

/// Intersection over union.
fn agreement(mask: &[f32], truth: &[f32]) -> f64 {
    let (mut both, mut either) = (0, 0);
    for (one, other) in mask.iter().zip(truth) {
        both += i32::from(*one > 0.5 && *other > 0.5);
        either += i32::from(*one > 0.5 || *other > 0.5);
    }
    f64::from(both) / f64::from(either.max(1))
}

/// Noise like a sensor's, two levels and different every time: nothing is ever quite still.
fn noise(frame: &mut [u8], turn: usize) {
    let mut state = turn as u64 * 2 + 1;
    for value in &mut frame[..SIZE.0 * SIZE.1] {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        *value = value.saturating_add((state >> 62) as u8).saturating_sub((state >> 60 & 3) as u8);
    }
}

/// The picture beside what is found in it, at half its size.
fn save(name: &str, frame: &[u8], masks: &[&[f32]]) {
    let (width, height) = (SIZE.0 / 2, SIZE.1 / 2);
    let row = width * (1 + masks.len());
    let mut page = vec![0; row * height];
    for y in 0..height {
        for x in 0..width {
            page[y * row + x] = frame[2 * y * SIZE.0 + 2 * x];
            let grid = y * THUMBNAIL.1 / height * THUMBNAIL.0 + x * THUMBNAIL.0 / width;
            for (at, mask) in masks.iter().enumerate() {
                page[y * row + (at + 1) * width + x] = (mask[grid] * 255.0) as u8;
            }
        }
    }
    // PGM needs no library.
    let mut file = format!("P5 {row} {height} 255\n").into_bytes();
    file.extend(page);
    std::fs::write(artefact(name), file).unwrap();
}

/// Everything.
pub fn run(report: &mut Report) {
    gstreamer::init().expect("GStreamer");
    set_up("photographs.sh");
    let photographs = tree().join("data/photographs");
    let room = frame(&photographs.join("motorcycle_left.png"), SIZE);
    for (name, file) in [("one person", "astronaut.png"), ("two people", "zidane.jpg"), ("six people", "group.jpg")] {
        report.doing(name);
        let people = People::new(&photographs.join(file));
        let (mut followed, mut scale) = (Watch::new(3), 1.0_f32);
        for goal in SCALES {
            let mut alone = Watch::new(0);
            let (mut frame, truth) = people.paste(&room, goal, 0.6);
            let whole = alone.mask(&mut frame.clone());
            while scale > goal {
                scale = (scale * 0.97).max(goal);
                let (mut frame, _) = people.paste(&room, scale, 0.6);
                followed.mask(&mut frame);
            }
            for _ in 0..5 {
                followed.mask(&mut frame.clone());
            }
            let near = followed.mask(&mut frame);
            let say = |what: &str| format!("{name}, {:.0} % of their size: {what}", goal * 100.0);
            report.add(&say("the whole picture alone"), agreement(&whole, &truth), "IoU", None);
            report.add(&say("followed"), agreement(&near, &truth), "IoU", None);
            let (mut searched, mut found) = (Watch::new(3), whole.clone());
            if goal < 0.6 {
                let mut after = None;
                for turn in 0..SEARCH {
                    // They move a little now and then, as people do.
                    let (mut frame, truth) = people.paste(&room, goal, 0.6 + 0.006 * ((turn / 15 % 3) as f32));
                    noise(&mut frame, turn);
                    found = searched.mask(&mut frame);
                    if agreement(&found, &truth) > 0.4 && after.is_none() {
                        after = Some(turn);
                    }
                    if after.is_some_and(|after| turn > after + 30) || (after.is_none() && turn == SEARCH - 1) {
                        report.add(&say("searched for"), agreement(&found, &truth), "IoU", None);
                        let after = after.map_or(f64::NAN, |after| after as f64 / 15.0);
                        report.add(&say("found after, at 15 masks a second"), after, "s", None);
                        break;
                    }
                }
            }
            let file = format!("far-{}-{:.0}.pgm", file.split('.').next().unwrap(), goal * 100.0);
            save(&file, &frame, &[&whole, &near, &found]);
        }
        let looks = followed.looks as f64 / followed.masks as f64;
        report.add(&format!("{name}, looks for each mask while followed"), looks, "", None);
    }
    report.doing("an empty room");
    let (mut watch, mut worst) = (Watch::new(3), 0.0_f64);
    for turn in 0..SEARCH {
        let mut frame = room.clone();
        noise(&mut frame, turn);
        let mask = watch.mask(&mut frame);
        worst = worst.max(mask.iter().filter(|value| **value > 0.5).count() as f64 / mask.len() as f64);
    }
    report.add("an empty room, the most that was taken for people", worst * 100.0, "% of the picture", None);
}
