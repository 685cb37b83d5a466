//! The promises of Kelisim, seen from outside.
