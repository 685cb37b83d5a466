//! How a call arrives and how it leaves.
