//! The clock. The only place that reads it; pure code takes `now` as an argument.

use jiff::Timestamp;
use jiff::civil::Date;

/// The moment now, by the machine's clock.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// The Republic's day now.
pub fn today() -> Date {
    now().to_zoned(agreements::almaty()).date()
}
