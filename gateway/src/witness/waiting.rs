//! How long checkpoints have been waiting for cosignatures, and which are cosigned enough.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use crate::transparency::note::{Note, Signature};

/// Checkpoints that wait, and cosignatures as they come in. Pure: time is an argument.
#[derive(Debug)]
pub(super) struct Waiting {
    quorum: usize,
    /// Sizes not cosigned yet, oldest first, and since when each was known.
    since: VecDeque<(u64, Instant)>,
    /// Size of the newest checkpoint with a quorum.
    cosigned: u64,
    /// By the checkpoint's size and text: which witnesses cosigned, and the note with what they wrote.
    gathering: BTreeMap<(u64, String), (BTreeSet<usize>, Note)>,
}

impl Waiting {
    /// Knows that the first `cosigned` entries were cosigned before.
    pub(super) fn new(quorum: usize, cosigned: u64) -> Self {
        Self { quorum, since: VecDeque::new(), cosigned, gathering: BTreeMap::new() }
    }

    /// A checkpoint of `size` was seen.
    pub(super) fn seen(&mut self, size: u64, now: Instant) {
        let newest = self.since.back().map_or(self.cosigned, |(newest, _)| *newest);
        if size <= newest {
            return;
        }
        // Full: the oldest matters, and the newest is seen again.
        if self.since.len() < MOST_WAITING {
            self.since.push_back((size, now));
        }
    }

    /// Witness number `by` cosigned the checkpoint that `note` is: the note with all cosignatures of it, if they make
    /// a quorum and it is the newest such.
    pub(super) fn cosigned(
        &mut self,
        by: usize,
        size: u64,
        note: &Note,
        lines: Vec<Signature>,
    ) -> Option<Note> {
        let key = (size, note.text().to_owned());
        let (who, gathered) = self.gathering.entry(key).or_insert_with(|| (BTreeSet::new(), note.clone()));
        who.insert(by);
        for line in lines {
            // A note that is full has more cosignatures than anybody asks for.
            let _ = gathered.add(line);
        }
        let enough = who.len() >= self.quorum && size >= self.cosigned;
        let whole = enough.then(|| gathered.clone());
        if enough {
            self.cosigned = size;
            self.since.retain(|(waiting, _)| *waiting > size);
            // The newest with a quorum may still gain cosignatures; those before it are done with.
            self.gathering.retain(|(other, _), _| *other >= size);
        }
        while self.gathering.len() > MOST_GATHERING {
            self.gathering.pop_first();
        }
        whole
    }

    /// Entries that are cosigned.
    pub(super) fn size(&self) -> u64 {
        self.cosigned
    }

    /// How long the oldest checkpoint has been waiting.
    pub(super) fn longest(&self, now: Instant) -> Duration {
        self.since.front().map_or(Duration::ZERO, |(_, since)| now.saturating_duration_since(*since))
    }
}

/// An hour's, one a second.
const MOST_WAITING: usize = 3600;
const MOST_GATHERING: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transparency::Hash;
    use crate::transparency::checkpoint::Checkpoint;

    fn note(size: u64) -> Note {
        Checkpoint::new("log.example", size, Hash([1; 32])).note().unwrap()
    }

    #[test]
    fn waiting_is_counted_from_the_oldest_that_no_quorum_covers() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut waiting = Waiting::new(1, 5);
        waiting.seen(5, at(0));
        assert_eq!(waiting.longest(at(9)), Duration::ZERO, "it was cosigned before");
        for size in 6..=9 {
            waiting.seen(size, at(size));
            waiting.seen(size, at(size + 50));
        }
        assert_eq!(waiting.longest(at(16)), Duration::from_secs(10));
        assert!(waiting.cosigned(0, 7, &note(7), Vec::new()).is_some());
        assert_eq!((waiting.size(), waiting.longest(at(16))), (7, Duration::from_secs(8)));
        assert!(waiting.cosigned(0, 9, &note(9), Vec::new()).is_some());
        assert_eq!(waiting.longest(at(99)), Duration::ZERO);
        assert!(waiting.cosigned(0, 8, &note(8), Vec::new()).is_none(), "an older one is of no use any more");
    }

    #[test]
    fn a_quorum_is_of_different_witnesses_over_the_same_checkpoint() {
        let mut waiting = Waiting::new(2, 0);
        assert!(waiting.cosigned(0, 7, &note(7), Vec::new()).is_none());
        assert!(waiting.cosigned(0, 7, &note(7), Vec::new()).is_none());
        assert!(waiting.cosigned(1, 8, &note(8), Vec::new()).is_none());
        assert!(waiting.cosigned(1, 7, &note(7), Vec::new()).is_some());
        assert_eq!(waiting.size(), 7);
    }

    #[test]
    fn memory_is_bounded_however_long_nobody_answers() {
        let start = Instant::now();
        let mut waiting = Waiting::new(2, 0);
        for size in 1..20_000 {
            waiting.seen(size, start);
            waiting.cosigned(0, size, &note(size), Vec::new());
        }
        assert!(waiting.since.len() <= MOST_WAITING && waiting.gathering.len() <= MOST_GATHERING);
        assert_eq!(waiting.since.front().unwrap().0, 1);
    }
}
