//! A disk that forgets: what was not synced when the power goes may be there or not, sector by sector and name by name,
//! in any order; a sync that failed leaves it open for good.
//!
//! What a running process sees stands in real files, as in the page cache. What the disk would hold is kept beside it:
//! for each sector all contents that it may have, for each folder the changes of names that are not durable. A loss of
//! power chooses among these and writes the files anew.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use super::*;

mod doubt;
mod inline;

use self::doubt::{Change, Dir, Durable, Inode, Mood, Node};
pub(super) use self::inline::{Inline, Orders};

/// The disk. Its files stand in `root`.
pub(super) struct Model {
    root: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    files: Vec<Inode>,
    /// The first is the root.
    dirs: Vec<Dir>,
    /// What was asked of the disk so far of what the fault counts.
    steps: usize,
    fault: Option<Fault>,
    /// The machine is off: nothing is done any more.
    off: bool,
    /// Bytes that all files together may have.
    quota: Option<u64>,
    /// What failed.
    failed: Option<Step>,
}

/// A step that fails.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fault {
    /// Steps before it.
    pub(super) after: usize,
    /// Which steps count.
    pub(super) of: Steps,
    pub(super) did: Did,
    /// Whether nothing follows, as when the machine stops; otherwise all goes on as if nothing had been.
    pub(super) stops: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Steps {
    All,
    /// What makes durable: syncs of files and folders, durable writes, and moves.
    Durable,
    /// What makes entries durable.
    Entries,
}

impl Steps {
    fn has(self, step: Step) -> bool {
        match self {
            Self::All => true,
            Self::Durable => step.syncs() || step == Step::Rename,
            Self::Entries => step == Step::WriteDurably,
        }
    }
}

/// What a step did that said it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Did {
    Nothing,
    /// It is done for those who look, and whether the disk has it is open.
    Perhaps,
    /// All, durably.
    All,
}

/// What was asked of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Create,
    Open,
    Write,
    WriteDurably,
    Sync,
    Seal,
    Rename,
    CreateDir,
    SyncDir,
    Remove,
}

impl Model {
    /// Under what stands in `root` now, which is durable.
    pub(super) fn of(root: &Path) -> Arc<Self> {
        let mut state = State { dirs: vec![Dir::default()], ..State::default() };
        state.adopt(root, 0);
        Arc::new(Self { root: root.to_owned(), state: Mutex::new(state) })
    }

    pub(super) fn fail(&self, fault: Option<Fault>) {
        let mut state = self.lock();
        (state.fault, state.failed, state.steps) = (fault, None, 0);
    }

    pub(super) fn failed(&self) -> Option<Step> {
        self.lock().failed
    }

    pub(super) fn set_quota(&self, bytes: Option<u64>) {
        self.lock().quota = bytes;
    }

    /// Bytes of all files.
    pub(super) fn used(&self) -> u64 {
        self.lock().used()
    }

    /// The process ends; the machine goes on.
    pub(super) fn restart(&self) {
        let mut state = self.lock();
        (state.off, state.fault) = (false, None);
    }

    /// The power goes: what is left is what the disk has.
    pub(super) fn lose_power(&self, chance: &mut Chance) {
        let mut state = self.lock();
        for entry in fs::read_dir(&self.root).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
        }
        let mood = Mood([0, 25, 50, 75, 100][chance.below(5)]);
        state.write_back(&self.root, 0, mood, chance);
        *state = State { dirs: vec![Dir::default()], quota: state.quota, ..State::default() };
        state.adopt(&self.root, 0);
    }

    /// Does a step: `act` on the page cache, then, if the step makes durable, `settle` on what the disk has.
    fn step<T>(
        &self,
        step: Step,
        act: impl FnOnce(&mut State) -> io::Result<T>,
        settle: impl FnOnce(&mut State, &T, Durable),
    ) -> io::Result<T> {
        let mut state = self.lock();
        let state = &mut *state;
        if state.off {
            return Err(io::Error::other("the machine is off"));
        }
        let Some(fault) = state.fault.filter(|fault| fault.of.has(step)) else {
            let done = act(state)?;
            settle(state, &done, if step.syncs() { Durable::Yes } else { Durable::NotYet });
            return Ok(done);
        };
        state.steps += 1;
        if state.steps <= fault.after {
            let done = act(state)?;
            settle(state, &done, if step.syncs() { Durable::Yes } else { Durable::NotYet });
            return Ok(done);
        }
        state.off = fault.stops;
        (state.fault, state.failed) = (None, Some(step));
        match fault.did {
            Did::Nothing => {}
            Did::Perhaps => {
                let done = act(state)?;
                settle(state, &done, if step.syncs() { Durable::Never } else { Durable::NotYet });
            }
            Did::All => {
                let done = act(state)?;
                settle(state, &done, Durable::Yes);
            }
        }
        Err(io::Error::other("made to fail"))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The folder of a path, and its last name.
    fn place(&self, state: &State, path: &Path) -> io::Result<(usize, OsString)> {
        let name = path.file_name().unwrap().to_owned();
        Ok((self.dir(state, path.parent().unwrap())?, name))
    }

    fn dir(&self, state: &State, path: &Path) -> io::Result<usize> {
        let mut at = 0;
        for part in path.strip_prefix(&self.root).expect("all files are below the root") {
            match state.dirs[at].now.get(part) {
                Some(Node::Dir(dir)) => at = *dir,
                Some(Node::File(_)) | None => return Err(io::ErrorKind::NotFound.into()),
            }
        }
        Ok(at)
    }
}

impl Step {
    /// Whether what was done before is durable after it.
    fn syncs(self) -> bool {
        matches!(self, Self::WriteDurably | Self::Sync | Self::Seal | Self::SyncDir)
    }
}

impl Disk for Arc<Model> {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let inode = self.step(
            Step::Create,
            |state| {
                let (dir, name) = self.place(state, path)?;
                fs::write(path, b"")?;
                if let Some(Node::File(file)) = state.dirs[dir].now.get(&name) {
                    let file = *file;
                    state.files[file].cut(0);
                    return Ok(file);
                }
                state.files.push(Inode::default());
                let file = state.files.len() - 1;
                state.dirs[dir].change(Change::Put(name, Node::File(file)));
                Ok(file)
            },
            |state, file, durable| state.files[*file].settle(durable),
        )?;
        self.handle(path, inode)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let find = |state: &mut State| {
            let (dir, name) = self.place(state, path)?;
            match state.dirs[dir].now.get(&name) {
                Some(Node::File(file)) => Ok(*file),
                Some(Node::Dir(_)) | None => Err(io::ErrorKind::NotFound.into()),
            }
        };
        let inode = self.step(Step::Open, find, |_, _, _| {})?;
        self.handle(path, inode)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let act = |state: &mut State| {
            let ((dir, from_name), (same, to_name)) = (self.place(state, from)?, self.place(state, to)?);
            assert_eq!(dir, same, "files stay in their folder");
            let node = state.dirs[dir].now.get(&from_name).copied().ok_or(io::ErrorKind::NotFound)?;
            fs::rename(from, to)?;
            state.dirs[dir].change(Change::Move { from: from_name, to: to_name, node });
            Ok(dir)
        };
        self.step(Step::Rename, act, |state, dir, durable| state.dirs[*dir].settle(durable)).map(drop)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let act = |state: &mut State| {
            let (dir, name) = self.place(state, path)?;
            fs::create_dir(path)?;
            state.dirs.push(Dir::default());
            let made = state.dirs.len() - 1;
            state.dirs[dir].change(Change::Put(name, Node::Dir(made)));
            Ok(dir)
        };
        self.step(Step::CreateDir, act, |state, dir, durable| state.dirs[*dir].settle(durable)).map(drop)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let act = |state: &mut State| self.dir(state, path);
        self.step(Step::SyncDir, act, |state, dir, durable| state.dirs[*dir].settle(durable)).map(drop)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let act = |state: &mut State| {
            let (dir, name) = self.place(state, path)?;
            fs::remove_file(path)?;
            state.dirs[dir].change(Change::Remove(name));
            Ok(dir)
        };
        self.step(Step::Remove, act, |state, dir, durable| state.dirs[*dir].settle(durable)).map(drop)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let act = |state: &mut State| {
            let (inner, (dir, name)) = (self.dir(state, path)?, self.place(state, path)?);
            fs::remove_dir_all(path)?;
            for name in state.dirs[inner].now.keys().cloned().collect::<Vec<_>>() {
                state.dirs[inner].change(Change::Remove(name));
            }
            state.dirs[dir].change(Change::Remove(name));
            Ok(dir)
        };
        self.step(Step::Remove, act, |state, dir, durable| state.dirs[*dir].settle(durable)).map(drop)
    }

    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        let state = self.lock();
        Ok(state.quota.map_or(u64::MAX, |quota| quota.saturating_sub(state.used())))
    }
}

trait Handles {
    fn handle(&self, path: &Path, inode: usize) -> io::Result<Box<dyn DiskFile>>;
}

impl Handles for Arc<Model> {
    fn handle(&self, path: &Path, inode: usize) -> io::Result<Box<dyn DiskFile>> {
        let real = File::options().write(true).open(path)?;
        Ok(Box::new(Handle { model: Arc::clone(self), inode, real }))
    }
}

struct Handle {
    model: Arc<Model>,
    inode: usize,
    real: File,
}

impl Handle {
    fn put(&self, step: Step, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let act = |state: &mut State| {
            let grows = (offset + bytes.len() as u64).saturating_sub(*state.files[self.inode].length.seen());
            if state.quota.is_some_and(|quota| state.used() + grows > quota) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.real.write_all_at(bytes, offset)?;
            state.files[self.inode].write(offset, bytes);
            Ok(())
        };
        // A durable write says nothing of what was written elsewhere.
        let range = offset..offset + bytes.len() as u64;
        self.model.step(step, act, |state, (), durable| state.files[self.inode].settle_in(range, durable))
    }
}

impl DiskFile for Handle {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.put(Step::Write, offset, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        let act = |_: &mut State| Ok(());
        self.model.step(Step::Sync, act, |state, (), durable| state.files[self.inode].settle(durable))
    }

    fn write_durably_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.put(Step::WriteDurably, offset, bytes)
    }

    fn seal(&mut self, bytes: u64) -> io::Result<()> {
        let act = |state: &mut State| {
            self.real.set_len(bytes)?;
            state.files[self.inode].cut(bytes);
            Ok(())
        };
        self.model.step(Step::Seal, act, |state, (), durable| state.files[self.inode].settle(durable))
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").field("root", &self.root).finish_non_exhaustive()
    }
}

impl State {
    /// Takes what stands in a real folder as durable.
    fn adopt(&mut self, path: &Path, dir: usize) {
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            let node = if entry.path().is_dir() {
                self.dirs.push(Dir::default());
                let made = self.dirs.len() - 1;
                self.adopt(&entry.path(), made);
                Node::Dir(made)
            } else {
                let mut file = Inode::default();
                file.write(0, &fs::read(entry.path()).unwrap());
                file.settle(Durable::Yes);
                self.files.push(file);
                Node::File(self.files.len() - 1)
            };
            self.dirs[dir].durable.insert(entry.file_name(), node);
            self.dirs[dir].now.insert(entry.file_name(), node);
        }
    }

    /// Writes what the disk has into the real folder.
    fn write_back(&self, path: &Path, dir: usize, mood: Mood, chance: &mut Chance) {
        let mut names = self.dirs[dir].durable.clone();
        for change in
            self.dirs[dir].pending.iter().filter(|_| mood.keeps(chance)).cloned().collect::<Vec<_>>()
        {
            change.apply(&mut names);
        }
        for (name, node) in names {
            match node {
                Node::Dir(inner) => {
                    fs::create_dir(path.join(&name)).unwrap();
                    self.write_back(&path.join(name), inner, mood, chance);
                }
                Node::File(file) => {
                    fs::write(path.join(name), self.files[file].on_disk(mood, chance)).unwrap();
                }
            }
        }
    }

    fn used(&self) -> u64 {
        let named = self.dirs.iter().flat_map(|dir| dir.now.values());
        named
            .map(|node| match node {
                Node::File(file) => *self.files[*file].length.seen(),
                Node::Dir(_) => 0,
            })
            .sum()
    }
}

/// Chances that are the same for the same seed (splitmix64).
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % end as u64).unwrap()
    }
}
