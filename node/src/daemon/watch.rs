//! Looks for work on a dispatch that does not come to an end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tram_dispatch::{Code, DispatchId};
use tram_engine::record::Stage;

use super::context::Context;

/// How often it looks. Its own looks are counted, so that a process that was stopped for a while is not
/// taken for one that hangs.
const LOOK: Duration = Duration::from_secs(1);
/// Looks after which work that should take moments counts as hanging.
const LOOKS_MAX: u32 = 60;
/// With more pieces than this stuck at reading documents it is the disk, and no dispatch's doing.
const STUCK_READS_MAX: usize = 2;

/// What was seen under way, and how often.
#[derive(Debug, Default)]
struct Watch {
    seen: BTreeMap<u64, u32>,
}

/// What to do about work that hangs.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// Nothing can stop a computation but the end of the process; the next start counts the attempt.
    End(DispatchId, Stage),
    /// A read that the disk does not answer: the attempt is counted, everything else goes on.
    Count(DispatchId, Stage),
}

impl Watch {
    fn look(&mut self, under_way: &[(u64, (DispatchId, Stage))]) -> Vec<Found> {
        self.seen.retain(|serial, _| under_way.iter().any(|(s, _)| s == serial));
        let reads = |stage: Stage| matches!(stage, Stage::Give | Stage::Fetch);
        let mut hanging = Vec::new();
        for (serial, (id, stage)) in under_way {
            let looks = self.seen.entry(*serial).or_default();
            *looks = looks.saturating_add(1);
            if *looks >= LOOKS_MAX {
                hanging.push((*looks == LOOKS_MAX, *id, *stage));
            }
        }
        let stuck_reads = hanging.iter().filter(|(_, _, stage)| reads(*stage)).count();
        let found = hanging.into_iter().filter(|(new, _, _)| *new);
        found
            .filter(|(_, _, stage)| !reads(*stage) || stuck_reads <= STUCK_READS_MAX)
            .map(|(_, id, stage)| match reads(stage) {
                true => Found::Count(id, stage),
                false => Found::End(id, stage),
            })
            .collect()
    }
}

/// Watches until the process ends; for a thread of its own.
pub(super) fn run(context: &Arc<Context>) {
    let mut watch = Watch::default();
    loop {
        std::thread::sleep(LOOK);
        for found in watch.look(&context.hands.under_way()) {
            match found {
                Found::Count(id, stage) => {
                    context.broke(id, stage, format!("no end of {} in a minute", stage.words()));
                }
                Found::End(id, stage) => {
                    tracing::error!(code = "WORK_UNFINISHED", dispatch = %id, "no end of {} in a minute; the node ends, so that the next start knows", stage.words());
                    context.hands.leave_note();
                    std::process::exit(i32::from(Code::Internal.row().exit));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(serial: u64, stage: Stage) -> (u64, (DispatchId, Stage)) {
        (serial, (DispatchId([serial as u8; 32]), stage))
    }

    fn after_looks(under_way: &[(u64, (DispatchId, Stage))]) -> Vec<Found> {
        let mut watch = Watch::default();
        for _ in 1..LOOKS_MAX {
            assert_eq!(watch.look(under_way), []);
        }
        let found = watch.look(under_way);
        assert_eq!(watch.look(under_way), [], "said once");
        found
    }

    #[test]
    fn what_hangs_is_found_once_and_ends_the_process_or_is_counted() {
        let both = [work(1, Stage::Take), work(2, Stage::Give)];
        let expected = [
            Found::End(DispatchId([1; 32]), Stage::Take),
            Found::Count(DispatchId([2; 32]), Stage::Give),
        ];
        assert_eq!(after_looks(&both), expected);
        // One after the other, in the same place: each is other work.
        let mut watch = Watch::default();
        assert!((0..200).all(|n| watch.look(&[work(n, Stage::Take)]).is_empty()));
    }

    #[test]
    fn a_disk_that_does_not_answer_is_no_dispatchs_doing() {
        let many: Vec<_> = (0..5).map(|n| work(n, Stage::Give)).collect();
        assert_eq!(after_looks(&many), []);
    }
}
