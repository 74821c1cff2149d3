//! CPU time of each stage of hiding a background, one thread, without the segmenter: `cargo bench -p subrosa-blur --bench
//! composition`. The mask is an ellipse of the size of somebody at a table. `subrosa bench blur` compares the whole with others.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // this is a bench

use std::time::Duration;

use subrosa_blur::composition::{Background, Composition, Still, thumbnail};
use subrosa_blur::picture::{Colours, Layout, Matrix, Picture};
use subrosa_blur::smoothing::{Cover, Smoothing};
use subrosa_blur::thumbnail::Thumbnail;

const MASK: (usize, usize) = (256, 144);
const COLOURS: Colours = Colours { matrix: Matrix::Bt601, full_range: false };

fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Least, median and 95th percentile in ms.
fn measure(what: &str, mut once: impl FnMut()) {
    let mut times: Vec<f64> = (0..400)
        .map(|_| {
            let before = cpu_time();
            once();
            (cpu_time() - before).as_secs_f64() * 1000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{what:44} {:7.3} {:7.3} {:7.3}", times[0], times[times.len() / 2], times[times.len() * 95 / 100]);
}

fn picture(layout: Layout, size: (usize, usize), planes: &mut [Vec<u8>]) -> Picture<'_> {
    let planes: Vec<_> = planes.iter_mut().map(Vec::as_mut_slice).collect();
    match layout {
        Layout::I420 => {
            let [y, u, v]: [&mut [u8]; 3] = planes.try_into().unwrap();
            Picture::new(layout, size, COLOURS, [(y, size.0), (u, size.0 / 2), (v, size.0 / 2)]).unwrap()
        }
        Layout::Nv12 => {
            let [y, uv]: [&mut [u8]; 2] = planes.try_into().unwrap();
            Picture::new(layout, size, COLOURS, [(y, size.0), (uv, size.0)]).unwrap()
        }
    }
}

fn main() {
    let person: Vec<f32> = (0..MASK.0 * MASK.1)
        .map(|at| {
            let (x, y) = ((at % MASK.0) as f32 / 256.0 - 0.5, (at / MASK.0) as f32 / 144.0 - 0.6);
            (4.0 - 20.0 * (x * x / 0.055 + y * y / 0.25 - 1.0)).clamp(0.0, 1.0)
        })
        .collect();
    println!("{:44} {:>7} {:>7} {:>7}", "ms of CPU", "least", "median", "p95");
    for (layout, size) in [
        (Layout::I420, (1280, 720)),
        (Layout::Nv12, (1280, 720)),
        (Layout::I420, (1920, 1080)),
        (Layout::Nv12, (1920, 1080)),
    ] {
        let chroma = size.0 * size.1 / 4;
        let shapes = if layout == Layout::I420 { vec![chroma; 2] } else { vec![2 * chroma] };
        let noise = |length| (0..length).map(|at: usize| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let mut planes: Vec<Vec<u8>> = std::iter::once(size.0 * size.1).chain(shapes).map(noise).collect();
        let name = |what: &str| format!("{layout:?} {}p: {what}", size.1);
        let mut small = Thumbnail::default();
        measure(&name("thumbnail"), || thumbnail(&picture(layout, size, &mut planes), &mut small));
        let mut pixels = Vec::new();
        measure(&name("the model's input"), || small.rgb(COLOURS, MASK, &mut pixels));
        let (mut smoothing, mut cover) = (Smoothing::default(), Cover::default());
        measure(&name("smoothing and cover"), || {
            smoothing.follow(&person);
            cover.make(smoothing.values(), MASK, 0);
        });
        let mut composition = Composition::default();
        for (what, sigma, coarse) in
            [("light", 0.018, false), ("strong", 0.045, false), ("strong, coarse", 0.045, true)]
        {
            measure(&name(what), || {
                let background = Background::Blurred { thumbnail: &small, sigma, coarse };
                composition.compose(&mut picture(layout, size, &mut planes), &cover, background).unwrap();
            });
        }
        let still = Still::colour([20, 30, 40], layout, size, COLOURS);
        measure(&name("a picture behind"), || {
            composition.compose(&mut picture(layout, size, &mut planes), &cover, Background::Still(&still)).unwrap();
        });
    }
}
