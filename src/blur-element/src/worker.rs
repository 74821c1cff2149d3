//! The thread that looks for people. It is asked and answers through a desk; nobody waits for it longer than they said.
//!
//! A segmenter may never come back. Then its desk is closed and forgotten, and the thread ends if it ever looks up again: a
//! thread cannot be stopped from outside, and the camera's close must not wait for it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use subrosa_blur::finds::Finds;
use subrosa_blur::freshness::{Quality, Taken};
use subrosa_blur::picture::Colours;
use subrosa_blur::regions::{Look, Regions, Seen};
use subrosa_blur::segmenter::Segmenter;
use subrosa_blur::thumbnail::Thumbnail;

/// Why there is no segmenter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Fault {
    /// There is no model.
    #[error("there is no model for the segmenter: set the property `model`")]
    Missing,
    /// The model cannot be used.
    #[error("the segmenter's model cannot be used: it is damaged, or another one")]
    Damaged,
    /// Its thread has ended.
    #[error("the segmenter has ended; another one is started")]
    Ended,
}

/// Makes a segmenter; called on the thread on which it will run.
pub type Make = Arc<dyn Fn() -> Result<Box<dyn Segmenter>, Fault> + Send + Sync>;

/// More threads than this that do not come back, and no further one is started.
const MOST_THREADS: usize = 4;

/// What a segmenter says.
pub enum Answer {
    /// A mask.
    Mask {
        /// When its picture was taken.
        of: Taken,
        /// Its values, row by row.
        mask: Vec<f32>,
        /// Columns and rows.
        size: (usize, usize),
        /// What it looks like.
        quality: Quality,
        /// CPU time that it took.
        spent: Duration,
    },
    /// No mask this time.
    Failed,
    /// It is no more.
    Gone(Fault),
}

struct Question {
    taken: Taken,
    looks: Vec<(Look, Thumbnail)>,
    colours: Colours,
}

#[derive(Default)]
struct Desk {
    question: Option<Question>,
    /// Since when a question has not been answered.
    asked: Option<Instant>,
    answers: Vec<Answer>,
    /// At what it wants to look in the next picture.
    looks: Vec<Look>,
    /// Memory to be used again.
    masks: Vec<Vec<f32>>,
    closed: bool,
    ended: bool,
}

#[derive(Default)]
struct Shared {
    desk: Mutex<Desk>,
    asked: Condvar,
    answered: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A segmenter at work. Dropping it closes its desk and waits for nothing.
pub struct Worker(Arc<Shared>);

impl Worker {
    /// Starts a thread. `None` when there is none to be had, or too many hang.
    pub fn start(make: &Make, regions: usize, threads: &Arc<AtomicUsize>) -> Option<Self> {
        if threads.load(Ordering::SeqCst) >= MOST_THREADS {
            return None;
        }
        let shared = Arc::new(Shared::default());
        let mut regions = Regions::new(regions);
        shared.lock().looks = regions.looks();
        let end = End { shared: shared.clone(), threads: threads.clone() };
        threads.fetch_add(1, Ordering::SeqCst);
        let make = make.clone();
        let started = thread::Builder::new().name("segmenter".into()).spawn(move || {
            let end = end;
            match make() {
                Ok(segmenter) => work(segmenter, regions, &end.shared),
                Err(fault) => end.say(fault),
            }
        });
        // When no thread could be made, `End` has been dropped with the closure.
        started.is_ok().then_some(Worker(shared))
    }

    /// At what it wants to look, when it is free to.
    pub fn wants(&self) -> Option<Vec<Look>> {
        let desk = self.0.lock();
        (desk.asked.is_none() && !desk.ended).then(|| desk.looks.clone())
    }

    /// Shows it what it wanted to look at, of one picture.
    pub fn ask(&self, taken: Taken, looks: Vec<(Look, Thumbnail)>, colours: Colours) {
        let mut desk = self.0.lock();
        if desk.asked.is_some() || desk.ended {
            return;
        }
        desk.asked = Some(Instant::now());
        desk.question = Some(Question { taken, looks, colours });
        drop(desk);
        self.0.asked.notify_one();
    }

    /// For how long a question has been unanswered.
    pub fn busy_for(&self) -> Option<Duration> {
        self.0.lock().asked.map(|since| since.elapsed())
    }

    /// Waits for an answer, but not longer than this.
    pub fn wait(&self, longest: Duration) {
        let desk = self.0.lock();
        let busy = |desk: &mut Desk| desk.asked.is_some() && !desk.ended;
        drop(self.0.answered.wait_timeout_while(desk, longest, busy));
    }

    /// What it has said since.
    pub fn answers(&self) -> Vec<Answer> {
        std::mem::take(&mut self.0.lock().answers)
    }

    /// Gives a mask's memory back.
    pub fn give_back(&self, mask: Vec<f32>) {
        self.0.lock().masks.push(mask);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.asked.notify_one();
    }
}

/// Says that the thread has ended, however it ended.
struct End {
    shared: Arc<Shared>,
    threads: Arc<AtomicUsize>,
}

impl End {
    fn say(&self, fault: Fault) {
        let mut desk = self.shared.lock();
        if !desk.ended {
            desk.ended = true;
            desk.answers.push(Answer::Gone(fault));
        }
        drop(desk);
        self.shared.answered.notify_all();
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.threads.fetch_sub(1, Ordering::SeqCst);
        self.say(Fault::Ended);
    }
}

fn work(mut segmenter: Box<dyn Segmenter>, mut regions: Regions, shared: &Shared) {
    let size = segmenter.size();
    let mut finds = Finds::default();
    // One picture and one mask for each look, used again.
    let mut seen: Vec<(Vec<[f32; 3]>, Vec<f32>)> = Vec::new();
    loop {
        let mut desk = shared.lock();
        let question = loop {
            if desk.closed {
                return;
            }
            match desk.question.take() {
                Some(question) => break question,
                None => desk = shared.asked.wait(desk).unwrap_or_else(PoisonError::into_inner),
            }
        };
        let mut mask = desk.masks.pop().unwrap_or_default();
        drop(desk);
        let before = cpu_time();
        seen.resize_with(question.looks.len(), Default::default);
        let looked = question.looks.iter().zip(&mut seen).try_for_each(|((_, thumbnail), (pixels, mask))| {
            thumbnail.rgb(question.colours, size, pixels);
            // What the segmenter leaves out is no number, and shows nothing.
            mask.clear();
            mask.resize(size.0 * size.1, f32::NAN);
            segmenter.segment(pixels, mask)
        });
        let answer = match looked {
            Ok(()) => {
                let seen: Vec<Seen<'_>> = question
                    .looks
                    .iter()
                    .zip(&seen)
                    .map(|((look, _), (pixels, mask))| Seen { look: *look, pixels, mask })
                    .collect();
                regions.learn(&seen, size, &mut mask);
                finds.confirm(&mut mask, size);
                let quality = Quality::of(&mask);
                Answer::Mask { of: question.taken, mask, size, quality, spent: cpu_time().saturating_sub(before) }
            }
            Err(_) => Answer::Failed,
        };
        let mut desk = shared.lock();
        desk.asked = None;
        desk.looks = regions.looks();
        desk.answers.push(answer);
        drop(desk);
        shared.answered.notify_all();
    }
}

/// CPU time of the thread that asks.
pub fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
