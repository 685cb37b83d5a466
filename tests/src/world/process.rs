//! The real binary on a world's folder.
