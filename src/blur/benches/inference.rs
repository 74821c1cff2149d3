//! CPU time of one look of the selfie model, one thread, with each kind of instructions that the processor has: `cargo bench -p
//! subrosa-blur --bench inference`. `subrosa bench blur` compares it with LiteRT.
//!
//! With `-- --only KIND --runs N` it makes N masks with one kind and says nothing else: for tools that count instructions
//! (`setup/count-aarch64.sh`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)] // this is a bench

use std::path::Path;
use std::time::Duration;

use subrosa_blur::segmenter::Segmenter;
use subrosa_blur::selfie::Selfie;

/// Runs of each kind in a turn, and turns: a machine that is busy for a while is busy for all.
const RUNS: usize = 50;
const TURNS: usize = 8;

fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// What follows an argument.
fn argument(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}

fn main() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/selfie_segmentation_landscape.tflite");
    let file = std::fs::read(path).expect("the model: `make data` fetches it");
    let mut all = Selfie::each(&file).expect("the model");
    let (width, height) = all[0].size();
    // What is seen does not matter: every picture takes the same work.
    let picture: Vec<[f32; 3]> =
        (0..width * height).map(|at| [0.2, 0.5, 0.8].map(|base| (base + at as f32 * 0.37).fract())).collect();
    let mut mask = vec![0.0; width * height];
    if let Some(only) = argument("--only") {
        let selfie =
            all.iter_mut().find(|selfie| selfie.instructions() == only).expect("instructions of this processor");
        for _ in 0..argument("--runs").and_then(|runs| runs.parse().ok()).unwrap_or(1) {
            selfie.segment(&picture, &mut mask).unwrap();
        }
        return;
    }
    let mut times = vec![Vec::new(); all.len()];
    for _ in 0..TURNS {
        for (selfie, times) in all.iter_mut().zip(&mut times) {
            for _ in 0..RUNS {
                let before = cpu_time();
                selfie.segment(&picture, &mut mask).unwrap();
                times.push((cpu_time() - before).as_secs_f64() * 1000.0);
            }
        }
    }
    println!("{:10} {:>7} {:>7} {:>7}", "ms of CPU", "least", "median", "p95");
    for (selfie, mut times) in all.iter().zip(times) {
        times.sort_by(f64::total_cmp);
        let at = |share: usize| times[times.len() * share / 100];
        println!("{:10} {:7.3} {:7.3} {:7.3}", selfie.instructions(), at(0), at(50), at(95));
    }
}
