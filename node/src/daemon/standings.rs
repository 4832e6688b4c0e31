//! How each of several entries of the configuration does: what its own thread says, for status and alarms.

use std::sync::{Mutex, PoisonError};

/// All of one kind, in the order of the configuration.
#[derive(Debug, Default)]
pub(crate) struct Standings<T>(Mutex<Vec<T>>);

impl<T: Clone + Default> Standings<T> {
    /// Works on one of them.
    pub(super) fn with<R>(&self, at: usize, work: impl FnOnce(&mut T) -> R) -> R {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() <= at {
            all.resize_with(at + 1, T::default);
        }
        work(&mut all[at])
    }

    /// Those that said something so far.
    pub(super) fn all(&self) -> Vec<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
