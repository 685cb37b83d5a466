//! One pass over the segments: order, chain, openings and closings, time; each line held against its sealed hash.

use std::{cmp::Ordering, collections::BTreeMap, io, time::Duration};

use jiff::SignedDuration;
use uuid::Uuid;

use super::super::{
    MAX_OPEN,
    line::{Entry, Head, base64, leaf_hash},
    reader::{Leaves, Segment},
};
use super::{
    Finding, Problem, Verification,
    sealed::Sealed,
    seen::{Says, Seen},
};
use crate::transparency::Hash;

#[derive(Debug, Clone)]
pub(super) struct Reading<'a> {
    segments: &'a [Segment],
    checkpoint: Option<Head>,
    sealed: Sealed,
    found: Verification,
    /// Index of the next entry.
    next: u64,
    /// The line before.
    last: Option<Last>,
    /// Its bytes, unless a sealed hash speaks for it.
    unsealed: Vec<u8>,
    /// A line that the next one contradicts, and nothing sealed speaks for either: it was changed, unless the one
    /// after says that the next one was.
    suspect: Option<Place>,
    open: BTreeMap<u64, Uuid>,
    open_known: OpenKnown,
    /// Microseconds since 1970.
    latest: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    segment: usize,
    line: u64,
    offset: u64,
    index: u64,
}

/// How far a segment was read.
#[derive(Debug, Clone)]
pub(super) struct At {
    place: Place,
    header: HeaderList,
}

/// A line that was read and on which the next one has still to give its word.
#[derive(Debug, Clone)]
struct Last {
    place: Place,
    /// Its hash; `None`: it is no entry.
    hash: Option<Hash>,
    /// The hash that was sealed at its place.
    sealed: Option<Hash>,
    /// Already found to be changed, so that the chain speaks of other bytes.
    accused: bool,
}

/// Whether all entries since the last header were read, so that `open` is what was open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OpenKnown {
    Yes,
    FromNextHeader,
}

/// How far a segment's header was read: the exchanges it names so far, or all.
#[derive(Debug, Clone)]
enum HeaderList {
    Reading(BTreeMap<u64, Uuid>),
    Read,
}

impl<'a> Reading<'a> {
    pub(super) fn new(segments: &'a [Segment], checkpoint: Option<Head>, sealed: Sealed) -> Self {
        Self {
            segments,
            checkpoint,
            sealed,
            found: Verification::default(),
            next: 0,
            last: None,
            unsealed: Vec::new(),
            suspect: None,
            open: BTreeMap::new(),
            open_known: OpenKnown::Yes,
            latest: None,
        }
    }

    pub(super) fn read(&mut self, number: usize) -> io::Result<()> {
        let segment = &self.segments[number];
        let mut at = self.begin(number);
        let mut leaves = segment.leaves(0)?;
        let mut patience = if number + 1 == self.segments.len() { PATIENCE } else { 0 };
        loop {
            while self.step(&mut at, &mut leaves)? {}
            if !has_more(segment, leaves.offset)? {
                return Ok(());
            }
            if patience == 0 {
                self.no_line(&at, leaves.offset);
                return Ok(());
            }
            // The writer may be in the middle of a batch.
            patience -= 1;
            std::thread::sleep(PAUSE);
        }
    }

    /// Begins a segment.
    pub(super) fn begin(&mut self, number: usize) -> At {
        let segment = &self.segments[number];
        let place = Place { segment: number, line: 0, offset: 0, index: segment.first };
        if number == 0 && segment.first > 0 {
            let index = segment.first;
            // An interrupted prune leaves more than was declared, never less.
            let declared = self.sealed.minimum >= index;
            self.find(
                place,
                if declared { Problem::Pruned { index } } else { Problem::BeginsLater { index } },
            );
            self.next = segment.first;
            self.open_known = OpenKnown::FromNextHeader;
            self.sealed.begin_at(segment.first);
        }
        self.found.segments += 1;
        At { place, header: HeaderList::Reading(BTreeMap::new()) }
    }

    /// Reads a line; `false`: no line stands there.
    pub(super) fn step(&mut self, at: &mut At, leaves: &mut Leaves) -> io::Result<bool> {
        let place = Place { line: at.place.line + 1, offset: leaves.offset, index: self.next, ..at.place };
        let Some(leaf) = leaves.next_leaf()? else { return Ok(false) };
        at.place = place;
        self.read_line(leaf, place, &mut at.header);
        Ok(true)
    }

    /// Notes that a file goes on where no line stands.
    pub(super) fn no_line(&mut self, at: &At, offset: u64) {
        let place = Place { line: at.place.line + 1, offset, index: self.next, ..at.place };
        self.find(place, Problem::NoLine);
    }

    /// What was found so far; what was read last may still be found to be wrong.
    pub(super) fn findings(&self) -> &[Finding] {
        &self.found.findings
    }

    /// `leaf` is a line behind a zero byte.
    fn read_line(&mut self, leaf: &[u8], place: Place, header: &mut HeaderList) {
        self.found.entries += 1;
        let line = &leaf[1..];
        let Some(seen) = Seen::of(line) else {
            self.find(place, Problem::NotAnEntry);
            self.accuse_suspect();
            self.settle_last(None);
            let sealed = self.sealed.leaf(self.next);
            self.last = Some(Last { place, hash: None, sealed, accused: true });
            self.open_known = OpenKnown::FromNextHeader;
            self.next += 1;
            return;
        };
        let index = seen.index;
        if let Some(problem) = self.out_of_order(&seen) {
            self.find(place, problem);
            if index < self.next {
                return;
            }
            self.settle_last(None);
            self.sealed.skip_to(index);
            self.open_known = OpenKnown::FromNextHeader;
        }
        self.next = index.saturating_add(1);
        // A record without a place in any tree: the index does not fit into what follows it.
        let place = Place { index, ..place };
        self.check_record(&seen, place, header);
        self.check_chain(leaf, &seen, place);
        self.check_time(seen.at, place);
        self.sealed.read_to(self.next, self.latest);
    }

    /// What is found first about an entry that stands where another should: that does not depend on what follows.
    pub(super) fn out_of_order(&self, seen: &Seen) -> Option<Problem> {
        match seen.index.cmp(&self.next) {
            Ordering::Less => Some(Problem::Repeated { found: seen.index }),
            Ordering::Equal => None,
            Ordering::Greater => Some(Problem::Missing { count: seen.index - self.next, found: seen.index }),
        }
    }

    fn check_chain(&mut self, leaf: &[u8], seen: &Seen, place: Place) {
        let begins = self.last.is_none() && seen.index == 0;
        let origin = self.found.origin.as_ref().filter(|_| begins).map(|origin| leaf_hash(origin.as_bytes()));
        let mut accused = origin.is_some_and(|origin| base64(&origin) != seen.prev);
        let hash = Hash::of(leaf);
        let sealed = self.sealed.leaf(seen.index);
        if accused {
            self.find(place, Problem::Changed);
        }
        accused |= self.settle_last(Some((seen, place)));
        if !accused && sealed == Some(hash) {
            self.sealed.compare_bundle(seen.index, &leaf[1..]);
        }
        let contradicted =
            self.checkpoint.is_some_and(|known| known.size == self.next && known.leaf != hash.0);
        if contradicted && !accused {
            self.suspect = None;
            self.find(place, Problem::Changed);
        }
        self.unsealed.clear();
        if sealed.is_none() {
            self.unsealed.extend_from_slice(&leaf[1..]);
        }
        self.last = Some(Last { place, hash: Some(hash), sealed, accused: accused || contradicted });
    }

    /// Judges the line before, now that the next one said what it follows, and adds it to the tree. Says whether it is
    /// the next one that must have been changed.
    fn settle_last(&mut self, next: Option<(&Seen, Place)>) -> bool {
        let Some(last) = self.last.take() else { return false };
        let index = last.place.index;
        let Some(hash) = last.hash.filter(|_| !last.accused) else {
            self.accuse_suspect();
            // The chain goes on from what stood there; if nothing says what, the tree ends.
            match last.sealed {
                Some(sealed) => self.push(index, sealed),
                None => self.sealed.skip_to(index + 1),
            }
            return false;
        };
        let contradicted = next.is_some_and(|(seen, _)| seen.prev != base64(&hash.0));
        let fits = last.sealed.map(|sealed| sealed == hash);
        match (contradicted, fits) {
            (false, None) if next.is_none() && Entry::parse(&self.unsealed).is_none() => {
                // Nobody speaks for it, and what was read by hand is not all of it.
                self.accuse_suspect();
                self.find(last.place, Problem::NotAnEntry);
            }
            (false, None | Some(true)) => self.accuse_suspect(),
            (false, Some(false)) => {
                self.accuse_suspect();
                // Without a successor that knows it, the tile is what knows it.
                let (problem, stood) = match (next, last.sealed) {
                    (None, Some(sealed)) => (Problem::Changed, sealed),
                    (None | Some(_), _) => (Problem::NotAsSealed, hash),
                };
                self.find(last.place, problem);
                self.push(index, stood);
                return false;
            }
            (true, Some(true)) => {
                self.accuse_suspect();
                self.push(index, hash);
                if let Some((_, place)) = next {
                    self.find(place, Problem::Changed);
                }
                return true;
            }
            (true, Some(false)) => {
                self.suspect = None;
                self.find(last.place, Problem::Changed);
                self.push(index, last.sealed.unwrap_or(hash));
                return false;
            }
            (true, None) => match self.suspect.take() {
                // Both neighbours contradict it.
                Some(_) => self.find(last.place, Problem::Changed),
                None => self.suspect = Some(last.place),
            },
        }
        self.push(index, hash);
        false
    }

    fn push(&mut self, index: u64, hash: Hash) {
        self.sealed.skip_to(index);
        self.sealed.push(hash);
    }

    fn check_record(&mut self, seen: &Seen, place: Place, header: &mut HeaderList) {
        if let Says::Segment(found) = &seen.says {
            if self.found.origin.is_none() {
                self.found.origin = Some(found.origin.clone().into_owned());
                self.sealed.check_origin(&found.origin);
            }
            let HeaderList::Reading(list) = header else { return self.find(place, Problem::Header) };
            list.extend(found.open.iter().copied());
            if !found.more {
                if self.open_known == OpenKnown::Yes && *list != self.open {
                    self.find(place, Problem::HeaderList);
                }
                self.open = std::mem::take(list);
                self.open_known = OpenKnown::Yes;
                *header = HeaderList::Read;
            }
            return;
        }
        if matches!(header, HeaderList::Reading(_)) {
            self.find(place, Problem::Header);
            *header = HeaderList::Read;
        }
        match seen.says {
            Says::Segment(_) => {}
            Says::Opening { exchange } => {
                self.found.openings += 1;
                self.open.insert(seen.index, exchange);
                // Bounds memory, whoever wrote the log.
                if self.open.len() > 2 * MAX_OPEN
                    && let Some((opening, _)) = self.open.pop_first()
                {
                    self.find(place, Problem::NeverClosed { opening });
                }
            }
            Says::Closing { opening, exchange } => {
                let opened = self.open.remove(&opening);
                if opened != Some(exchange) && self.open_known == OpenKnown::Yes {
                    self.find(place, Problem::NothingToClose { opening });
                }
            }
            Says::Refused => self.found.refusals += 1,
        }
    }

    fn check_time(&mut self, at: i64, place: Place) {
        let back = self.latest.map_or(0, |latest| latest.saturating_sub(at));
        if i128::from(back) > LONGEST_REQUEST.as_micros() {
            self.find(place, Problem::TimeBackwards { seconds: back / 1_000_000 });
            self.latest = None;
        }
        self.latest = self.latest.max(Some(at));
    }

    fn accuse_suspect(&mut self) {
        if let Some(suspect) = self.suspect.take() {
            self.find(suspect, Problem::Changed);
        }
    }

    fn find(&mut self, place: Place, problem: Problem) {
        let Place { segment, line, offset, index } = place;
        let path = self.segments[segment].path.clone();
        self.found.add(Finding { path, line, offset, index, problem });
    }

    pub(super) fn finish(mut self) -> Verification {
        self.settle_last(None);
        self.accuse_suspect();
        if let Some((path, checkpoint)) = self.sealed.beyond(self.next) {
            let cut = Problem::CutOff { size: checkpoint.size };
            let finding = Finding { path: path.clone(), line: 0, offset: 0, index: self.next, problem: cut };
            self.found.add(finding);
        }
        for (path, index, problem) in std::mem::take(&mut self.sealed.found) {
            self.found.add(Finding { path, line: 0, offset: 0, index, problem });
        }
        // A change is found by what follows it, so it would come after what it caused there; and it is the cause of what
        // differs elsewhere.
        self.found.findings.sort_by_key(|finding| (finding.line == 0, finding.index));
        self.found.open_at_end = self.open.len() as u64;
        self.found.open = self.open.into_iter().take(Verification::MAX_OPEN_TOLD).collect();
        self.found.checkpoints = self.sealed.kept_checkpoints();
        self.found.minimum = self.sealed.minimum;
        (self.found.sealed, self.found.witnessed) = (self.sealed.sealed(), self.sealed.witnessed);
        (self.found.stamps, self.found.stamped) = (self.sealed.stamps.count(), self.sealed.stamps.newest());
        self.found.next = self.next;
        self.found
    }
}

/// Whether anything but zeros stands in `segment` from `offset` on.
fn has_more(segment: &Segment, offset: u64) -> io::Result<bool> {
    let mut lines = segment.lines()?;
    lines.offset = offset;
    lines.refresh()?;
    Ok(lines.rest(|_| {})? > offset)
}

/// An entry's time is when its request was received, which may be so much before it was written.
const LONGEST_REQUEST: SignedDuration = SignedDuration::from_mins(10);
/// How often, and after what pause, the end of the last segment is read again if a batch seems half written.
const PATIENCE: u32 = 5;
const PAUSE: Duration = Duration::from_millis(20);
