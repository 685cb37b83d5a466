//! Compiled schemas, kept while they are used.

use std::sync::Arc;

use moka::sync::Cache;
use serde_json::Value;

use super::schema::{Limits, Schema, SchemaError};

/// The schemas compiled last, by the SHA-256 of their text.
///
/// Whoever computes the digest vouches that it names the text: a text is asked for only when its digest is new.
#[derive(Debug)]
pub struct SchemaCache {
    limits: Limits,
    schemas: Cache<[u8; 32], Arc<Schema>>,
}

impl SchemaCache {
    /// A cache of at most `most` schemas, each compiled under `limits`.
    #[must_use]
    pub fn new(most: u64, limits: Limits) -> Self {
        Self { limits, schemas: Cache::new(most) }
    }

    /// The schema with that `digest`, compiled now from `text` if it is not here. Whoever asks for it
    /// meanwhile waits for the one compilation.
    ///
    /// # Errors
    /// The text is no schema that we accept; nothing is kept.
    pub fn compiled(
        &self,
        digest: [u8; 32],
        text: impl FnOnce() -> Value,
    ) -> Result<Arc<Schema>, Arc<SchemaError>> {
        if let Some(schema) = self.schemas.get(&digest) {
            return Ok(schema);
        }
        self.schemas.try_get_with(digest, || Schema::compile(&text(), self.limits).map(Arc::new))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_is_compiled_once_and_a_failure_is_not_kept() {
        let cache = SchemaCache::new(10, Limits::default());
        let digest = [7; 32];
        assert!(cache.compiled(digest, || json!({"type": 5})).is_err());
        let first = cache.compiled(digest, || json!({"type": "string"})).unwrap();
        let second = cache.compiled(digest, || panic!("the text is not needed")).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
    }

    #[test]
    fn no_more_schemas_are_kept_than_the_cache_was_made_for() {
        let cache = SchemaCache::new(4, Limits::default());
        for byte in 0..100 {
            cache.compiled([byte; 32], || json!(true)).unwrap();
        }
        cache.schemas.run_pending_tasks();
        assert!(cache.schemas.entry_count() <= 4);
    }
}
