//! Reading much for one answer, by several threads: what is wanted lies all over the disk, and one
//! reader would mostly wait for it.

use crate::index::IndexError;

/// So many threads read at a time.
const READERS: usize = 4;

/// What `read` makes of `all`, in its order. The calling thread reads the first part, which has `alone`
/// things or more: so few are not worth another thread.
///
/// # Errors
/// The first error of `read`, by the order of the parts; `gone` where a reader panicked.
pub(super) fn read_in_parts<T: Sync, R: Send, E: From<IndexError> + Send>(
    all: &[T],
    alone: usize,
    gone: &'static str,
    read: impl Fn(&[T]) -> Result<Vec<R>, E> + Sync,
) -> Result<Vec<R>, E> {
    let (mine, others) = all.split_at(all.len().div_ceil(READERS).max(alone).min(all.len()));
    std::thread::scope(|scope| {
        let read = &read;
        let parts = others.chunks(mine.len().max(1));
        let threads: Vec<_> = parts.map(|part| scope.spawn(move || read(part))).collect();
        let mut found = read(mine)?;
        for thread in threads {
            let gone = |_| Err(IndexError::damaged(gone).into());
            found.extend(thread.join().unwrap_or_else(gone)?);
        }
        Ok(found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thing_is_read_once_and_in_order() {
        for count in [0, 1, 4, 5, 31, 32, 33, 100] {
            let all: Vec<usize> = (0..count).collect();
            let doubled =
                |part: &[usize]| Ok::<_, IndexError>(part.iter().map(|n| 2 * n).collect());
            let found = read_in_parts(&all, 5, "gone", doubled).unwrap();
            assert_eq!(found, (0..count).map(|n| 2 * n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_error_or_a_panic_of_any_part_is_the_answer() {
        let all: Vec<usize> = (0..40).collect();
        for bad in [0, 39] {
            let failing = |part: &[usize]| match part.contains(&bad) {
                true => Err(IndexError::damaged("bad")),
                false => Ok(part.to_vec()),
            };
            assert!(read_in_parts(&all, 5, "gone", failing).is_err());
        }
        let panicking = |part: &[usize]| match part.contains(&39) {
            true => panic!("planted"),
            false => Ok::<_, IndexError>(part.to_vec()),
        };
        let e = read_in_parts(&all, 5, "a reader is gone", panicking).unwrap_err();
        assert!(e.to_string().contains("a reader is gone"), "{e}");
    }
}
