//! Work that several threads share, its results in the order in which it came.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;

/// Whether a worker takes more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// It does.
    Continue,
    /// It has had enough, and leaves the rest to the others.
    Stop,
}

/// What the threads share.
struct Shared<T, R> {
    /// The number of the next piece, and where it comes from.
    input: Mutex<(usize, Receiver<T>)>,
    state: Mutex<State<R>>,
    changed: Condvar,
    /// Pieces that may be begun before the oldest of them is handed over.
    window: usize,
}

struct State<R> {
    /// Number of the piece that is handed over next.
    next: usize,
    done: BTreeMap<usize, R>,
    workers: usize,
    /// The receiver has gone, or a worker has panicked.
    over: bool,
}

impl<T, R> Shared<T, R> {
    fn state(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next piece, as soon as it is within the window; `None` at the end.
    fn take(&self) -> Option<(usize, T)> {
        let (number, piece) = {
            let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
            let piece = input.1.recv().ok()?;
            input.0 += 1;
            (input.0 - 1, piece)
        };
        let mut state = self.state();
        while !state.over && number >= state.next + self.window {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        (!state.over).then_some((number, piece))
    }

    fn put(&self, number: usize, result: R) {
        self.state().done.insert(number, result);
        self.changed.notify_all();
    }

    /// The result whose turn it is; `None` at the end.
    fn hand_over(&self) -> Option<R> {
        let mut state = self.state();
        loop {
            let next = state.next;
            if let Some(result) = state.done.remove(&next) {
                state.next += 1;
                self.changed.notify_all();
                return Some(result);
            }
            if state.over || state.workers == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn end(&self) {
        self.state().over = true;
        self.changed.notify_all();
    }
}

/// Counts a worker out, even one that panics.
struct Leaving<'a, T, R>(&'a Shared<T, R>);

impl<T, R> Drop for Leaving<'_, T, R> {
    fn drop(&mut self) {
        self.0.state().workers -= 1;
        if std::thread::panicking() {
            self.0.end();
        }
        self.0.changed.notify_all();
    }
}

/// Every piece of `input` through one of the `workers`, each in a thread of its own.
///
/// As many results as there are workers, and two more, wait for the receiver at most.
pub(super) fn in_order<'scope, T: Send + 'scope, R: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    input: Receiver<T>,
    workers: Vec<impl FnMut(T) -> (R, Then) + Send + 'scope>,
) -> Receiver<R> {
    let (sender, receiver) = sync_channel(1);
    let state = State { next: 0, done: BTreeMap::new(), workers: workers.len(), over: false };
    let shared = Arc::new(Shared {
        input: Mutex::new((0, input)),
        window: workers.len() + 1,
        state: Mutex::new(state),
        changed: Condvar::new(),
    });
    for mut work in workers {
        let shared = Arc::clone(&shared);
        scope.spawn(move || {
            let leaving = Leaving(&shared);
            while let Some((number, piece)) = shared.take() {
                let (result, then) = work(piece);
                shared.put(number, result);
                match then {
                    Then::Continue => {}
                    Then::Stop => break,
                }
            }
            drop(leaving);
        });
    }
    scope.spawn(move || {
        while let Some(result) = shared.hand_over() {
            if sender.send(result).is_err() {
                shared.end(); // The receiver has stopped: the run is over.
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    /// 0 … 99 through workers of which number `w` sleeps `sleeps_ms[w]` for each.
    fn results(sleeps_ms: &[u64]) -> Vec<usize> {
        std::thread::scope(|scope| {
            let (sender, input) = sync_channel(1);
            scope.spawn(move || (0..100).for_each(|i| sender.send(i).unwrap()));
            let worker = |ms: &u64| {
                let pause = Duration::from_millis(*ms);
                move |piece: usize| {
                    std::thread::sleep(pause);
                    (2 * piece, Then::Continue)
                }
            };
            in_order(scope, input, sleeps_ms.iter().map(worker).collect()).iter().collect()
        })
    }

    #[test]
    fn results_come_in_order_whoever_is_slow() {
        let expected: Vec<usize> = (0..100).map(|i| 2 * i).collect();
        for sleeps in [&[0][..], &[0, 5], &[3, 0, 1]] {
            assert_eq!(results(sleeps), expected, "{sleeps:?}");
        }
    }

    #[test]
    fn no_more_is_begun_than_the_window_holds() {
        let begun = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let (sender, input) = sync_channel(100);
            (0..100).for_each(|i| sender.send(i).unwrap());
            drop(sender);
            let worker = || {
                |piece: usize| {
                    begun.fetch_add(1, Ordering::SeqCst);
                    (piece, Then::Continue)
                }
            };
            let results = in_order(scope, input, vec![worker(), worker()]);
            std::thread::sleep(Duration::from_millis(50));
            // Nothing was received: one result in the channel, one on its way into it, a window of three.
            assert!(begun.load(Ordering::SeqCst) <= 5, "{begun:?}");
            assert_eq!(results.iter().count(), 100);
        });
    }

    #[test]
    fn a_worker_that_stops_leaves_the_rest_to_the_others() {
        std::thread::scope(|scope| {
            let (sender, input) = sync_channel(100);
            (0..100).for_each(|i| sender.send(i).unwrap());
            drop(sender);
            let workers: Vec<_> = [Then::Stop, Then::Continue]
                .into_iter()
                .map(|then| move |piece: usize| (piece, then))
                .collect();
            let results: Vec<usize> = in_order(scope, input, workers).iter().collect();
            assert_eq!(results, (0..100).collect::<Vec<_>>());
        });
    }

    #[test]
    fn all_ends_when_the_receiver_goes() {
        std::thread::scope(|scope| {
            let (sender, input) = sync_channel(1);
            scope.spawn(move || while sender.send(1).is_ok() {});
            let worker = |piece: usize| (piece, Then::Continue);
            let results = in_order(scope, input, vec![worker, worker]);
            assert_eq!(results.iter().take(3).count(), 3);
        });
    }
}
