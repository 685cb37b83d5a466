//! A segment's file, past the page cache: a batch goes to the disk itself, which costs less than to copy it into a page,
//! mark that, and have it written (decision 0038).
//!
//! `O_DIRECT` takes whole blocks, at their places in the file and in memory. A batch seldom ends with one, so the next
//! batch writes that block again, with the same bytes up to its own: what was durable stays what it was, even if a
//! crash tears the write. Behind a batch, its last block has zeros, as all of a segment has that is not used yet.

use std::{
    fs::File,
    io::{self, IoSlice},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

use rustix::{
    fs::OFlags,
    io::{Errno, ReadWriteFlags, pwritev2},
};

use super::disk::DiskFile;

/// A file to which batches go past the page cache, as long as its disk can do that.
pub(super) struct DirectFile {
    plain: File,
    /// `None`: the disk cannot.
    direct: Option<File>,
    /// Bytes in the file: zeros behind a batch do not make it longer.
    length: u64,
    blocks: Blocks,
    /// Where the last batch ended, of which `blocks` holds the last block.
    end: Option<u64>,
}

impl DirectFile {
    /// Opens a file that is there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let plain = File::options().read(true).write(true).open(path)?;
        let flag = i32::try_from(OFlags::DIRECT.bits()).expect("a flag of open(2) is an int");
        let direct = File::options().write(true).custom_flags(flag).open(path).ok();
        Ok(Self { length: plain.metadata()?.len(), plain, direct, blocks: Blocks::default(), end: None })
    }

    /// Writes past the page cache, if all of it can be.
    fn write_directly_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<Direct> {
        let Some(direct) = &self.direct else { return Ok(Direct::NotWritten) };
        let before = offset % BLOCK;
        let (start, end) = (offset - before, offset + bytes.len() as u64);
        if end.next_multiple_of(BLOCK) > self.length.max(end) {
            return Ok(Direct::NotWritten);
        }
        let before = usize::try_from(before).expect("less than a block");
        let known = self.end.take() == Some(offset);
        let blocks = self.blocks.hold(before, known, bytes);
        if !known {
            self.plain.read_exact_at(&mut blocks[..before], start)?;
        }
        match pwritev2(direct, &[IoSlice::new(blocks)], start, ReadWriteFlags::DSYNC) {
            Ok(count) if count == blocks.len() => {
                self.end = Some(end);
                Ok(Direct::Written)
            }
            // What is left is written the other way, which says what is the matter, if anything is.
            Ok(_) | Err(Errno::INTR) => Ok(Direct::NotWritten),
            Err(Errno::INVAL | Errno::OPNOTSUPP) => {
                self.direct = None;
                Ok(Direct::NotWritten)
            }
            Err(error) => Err(error.into()),
        }
    }
}

#[derive(PartialEq, Eq)]
enum Direct {
    Written,
    /// Not all of it.
    NotWritten,
}

impl DiskFile for DirectFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.end = None;
        self.length = self.length.max(offset + bytes.len() as u64);
        DiskFile::write_at(&mut self.plain, offset, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.plain.sync()
    }

    fn write_durably_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if self.write_directly_at(offset, bytes)? == Direct::NotWritten {
            self.end = None;
            self.plain.write_durably_at(offset, bytes)?;
        }
        self.length = self.length.max(offset + bytes.len() as u64);
        Ok(())
    }

    fn seal(&mut self, bytes: u64) -> io::Result<()> {
        (self.end, self.length) = (None, bytes);
        self.plain.seal(bytes)
    }
}

/// Memory for whole blocks, where `O_DIRECT` takes it from.
#[derive(Default)]
struct Blocks {
    memory: Vec<u8>,
    /// Where in it the blocks begin, and where the bytes in them end.
    start: usize,
    end: usize,
}

impl Blocks {
    /// Holds `before` bytes, then `bytes`, then zeros up to a whole block. If `known`, the first are the last that it
    /// held; otherwise they are for the caller to fill in.
    fn hold(&mut self, before: usize, known: bool, bytes: &[u8]) -> &mut [u8] {
        const ONE: usize = BLOCK as usize;
        let mut kept = [0; ONE];
        if known {
            kept[..before].copy_from_slice(&self.memory[self.end - before..self.end]);
        }
        let whole = (before + bytes.len()).next_multiple_of(ONE);
        if self.memory.len() < whole + ONE || self.memory.len() > 2 * KEPT_BYTES.max(whole + ONE) {
            self.memory = vec![0; whole.max(KEPT_BYTES) + ONE];
            self.start = self.memory.as_ptr().align_offset(ONE);
        }
        self.end = self.start + before + bytes.len();
        let blocks = &mut self.memory[self.start..self.start + whole];
        blocks[..before].copy_from_slice(&kept[..before]);
        blocks[before..before + bytes.len()].copy_from_slice(bytes);
        blocks[before + bytes.len()..].fill(0);
        blocks
    }
}

/// A multiple of the logical blocks of all disks.
const BLOCK: u64 = 4096;
/// Memory that is kept between batches.
const KEPT_BYTES: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn batches_of_all_lengths_lie_where_they_were_put_with_zeros_behind_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("segment");
        let mut model = vec![0; 3 << 20];
        fs::write(&path, &model).unwrap();
        let mut file = DirectFile::open(&path).unwrap();
        let mut offset = 0;
        for number in 1.. {
            let bytes: Vec<u8> = (0..number * 977 % 700_000).map(|byte| (byte + number) as u8 | 1).collect();
            if offset + bytes.len() > model.len() {
                break;
            }
            file.write_durably_at(offset as u64, &bytes).unwrap();
            model[offset..offset + bytes.len()].copy_from_slice(&bytes);
            offset += bytes.len();
            if number % 7 == 0 {
                // As after a restart.
                file = DirectFile::open(&path).unwrap();
            }
            assert!(fs::read(&path).unwrap() == model, "after {offset} bytes");
        }
        file.seal(offset as u64).unwrap();
        assert_eq!(fs::read(&path).unwrap().len(), offset);
    }

    #[test]
    fn a_file_is_never_longer_than_what_was_put_into_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("segment");
        fs::write(&path, [0; 5_000]).unwrap();
        let mut file = DirectFile::open(&path).unwrap();
        let mut offset = 0;
        for bytes in [&[1; 3_000][..], &[2; 1_900], &[3; 50], &[4; 100]] {
            file.write_durably_at(offset, bytes).unwrap();
            offset += bytes.len() as u64;
        }
        let written = fs::read(&path).unwrap();
        assert_eq!(written.len(), 5_050);
        assert_eq!((written[2_999], written[3_000], written[4_899], written[4_900]), (1, 2, 2, 3));
        assert_eq!((written[4_949], written[4_950], written[5_049]), (3, 4, 4));
    }

    #[test]
    fn what_was_put_otherwise_in_between_is_not_undone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("segment");
        fs::write(&path, [0; 8_192]).unwrap();
        let mut file = DirectFile::open(&path).unwrap();
        file.write_durably_at(0, &[1; 100]).unwrap();
        DiskFile::write_at(&mut file, 50, &[2; 50]).unwrap();
        file.sync().unwrap();
        file.write_durably_at(100, &[3; 100]).unwrap();
        let written = fs::read(&path).unwrap();
        assert_eq!((written[49], written[50], written[99], written[100], written[199]), (1, 2, 2, 3, 3));
        assert_eq!(written[200], 0);
    }
}
