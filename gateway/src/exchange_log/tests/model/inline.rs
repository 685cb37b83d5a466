//! Segments without a steward's thread: the test says when it works.

use super::{
    super::super::storage::{Space, name_prepared, prepare},
    *,
};

/// Segments without a steward's thread: the test says when it works.
pub(in super::super) struct Inline(pub(in super::super) Arc<Mutex<Orders>>);

pub(in super::super) struct Orders {
    model: Arc<Model>,
    dir: PathBuf,
    segment_bytes: u64,
    prepared: Option<Box<dyn DiskFile>>,
    checkpoint: Option<Checkpoint>,
}

impl Orders {
    pub(in super::super) fn new(model: &Arc<Model>, dir: &Path, segment_bytes: u64) -> Self {
        let (model, dir) = (Arc::clone(model), dir.to_owned());
        Self { model, dir, segment_bytes, prepared: None, checkpoint: None }
    }

    /// Does what the steward would do by and by.
    pub(in super::super) fn work(&mut self) -> io::Result<()> {
        if self.prepared.is_none() {
            self.prepared = Some(prepare(&self.model, &self.dir, self.segment_bytes)?);
        }
        match self.checkpoint.take() {
            Some(checkpoint) => checkpoint.write(&self.model, &self.dir),
            None => Ok(()),
        }
    }
}

impl Storage for Inline {
    fn space(&mut self) -> io::Result<Space> {
        let mut orders = self.0.lock().unwrap();
        if orders.prepared.is_none() {
            match prepare(&orders.model, &orders.dir, orders.segment_bytes) {
                Ok(file) => orders.prepared = Some(file),
                Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(Space::Lacking),
                Err(error) => return Err(error),
            }
        }
        Ok(Space::Enough)
    }

    fn begin(&mut self, first: u64) -> io::Result<Box<dyn DiskFile>> {
        self.space()?;
        let mut orders = self.0.lock().unwrap();
        name_prepared(&orders.model, &orders.dir, first)?;
        Ok(orders.prepared.take().unwrap())
    }

    fn reopen(&mut self, first: u64) -> io::Result<Box<dyn DiskFile>> {
        let orders = self.0.lock().unwrap();
        orders.model.open(&Segment::of(&orders.dir, first).path)
    }

    fn checkpoint_soon(&mut self, checkpoint: Checkpoint) {
        self.0.lock().unwrap().checkpoint = Some(checkpoint);
    }

    fn checkpoint_now(&mut self, checkpoint: Checkpoint) -> io::Result<()> {
        let mut orders = self.0.lock().unwrap();
        orders.checkpoint = None;
        checkpoint.write(&orders.model, &orders.dir)
    }
}
