//! Lanes: one queue per channel and provider, so that a slow one delays no other.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures::future::BoxFuture;
use tokio::sync::{Semaphore, mpsc};

/// Jobs under way at once in one lane.
const WIDTH: usize = 64;
/// Jobs that one lane holds in memory; beyond that they wait where they came from.
const LENGTH: usize = 2048;
/// Lanes kept open; one per webhook host.
const LANES: usize = 512;

/// What is done with a job.
type Work<J> = Arc<dyn Fn(J) -> BoxFuture<'static, ()> + Send + Sync>;

/// How much a lane takes.
#[derive(Clone, Copy)]
pub(crate) struct Breadth {
    /// Jobs under way at once.
    pub(crate) width: usize,
    /// Jobs that it holds in memory; beyond that they wait where they came from.
    pub(crate) length: usize,
}

/// Queues by name. A lane opens when something is put on it.
pub(crate) struct Lanes<J> {
    breadth: Breadth,
    work: Work<J>,
    open: Mutex<HashMap<String, mpsc::Sender<J>>>,
}

impl<J: Send + 'static> Lanes<J> {
    /// Lanes that take what pages need.
    pub(crate) fn new(work: Work<J>) -> Self {
        Self::of_breadth(Breadth { width: WIDTH, length: LENGTH }, work)
    }

    /// Lanes that take so much.
    pub(crate) fn of_breadth(breadth: Breadth, work: Work<J>) -> Self {
        Self { breadth, work, open: Mutex::new(HashMap::new()) }
    }

    /// Puts a job on a lane. A job that finds no place is dropped, and the answer is no.
    pub(crate) fn put(&self, lane: String, job: J) -> bool {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= LANES && !open.contains_key(&lane) {
            // An idle lane ends once its queue cannot be reached; a busy one stays.
            open.retain(|_, queue| queue.capacity() < self.breadth.length);
        }
        let serve = || serve(self.breadth, Arc::clone(&self.work));
        open.entry(lane).or_insert_with(serve).try_send(job).is_ok()
    }
}

fn serve<J: Send + 'static>(Breadth { width, length }: Breadth, work: Work<J>) -> mpsc::Sender<J> {
    let (queue, mut jobs) = mpsc::channel::<J>(length);
    tokio::spawn(async move {
        let width = Arc::new(Semaphore::new(width));
        while let Some(job) = jobs.recv().await {
            let Ok(place) = Arc::clone(&width).acquire_owned().await else { return };
            let working = work(job);
            tokio::spawn(async move {
                working.await;
                drop(place);
            });
        }
    });
    queue
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn a_stuck_lane_fills_up_and_delays_no_other() {
        let (done, seen) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (stuck, told) = (Arc::clone(&done), Arc::clone(&seen));
        let lanes = Lanes::new(Arc::new(move |is_stuck: bool| {
            let (stuck, told) = (Arc::clone(&stuck), Arc::clone(&told));
            async move { if is_stuck { stuck.notified().await } else { told.notify_one() } }.boxed()
        }));
        let taken = (0..LENGTH * 2).filter(|_| lanes.put("stuck".into(), true)).count();
        assert!((LENGTH..LENGTH + WIDTH + 2).contains(&taken), "{taken}");
        assert!(lanes.put("other".into(), false));
        seen.notified().await;
    }
}
