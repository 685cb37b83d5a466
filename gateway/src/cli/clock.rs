//! `kelisim clock`: asks the configured sources of time, once.

use clap::Args;
use serde_json::json;

use super::table::Table;
use super::{Answer, Common, Failure};
use crate::clock_watch::{ClockWatch, Source, Standing, ask};
use crate::telemetry::chain;

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim clock

Asks the sources that clock.sources of the configuration names. It ends with 1 where this machine's clock is off by more than
clock.warn_ms, or no majority of the sources tells the same. A running gateway says the same at /ready and in its metrics.")]
pub(super) struct Clock {}

impl Clock {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let config = common.config()?.clock;
        let watch = ClockWatch::new(&config);
        let mut sources: Vec<Source> = config.sources.iter().map(|name| Source::new(name)).collect();
        let heard = ask(&mut sources);
        watch.hear(&heard);
        let standing = watch.standing();
        let mut table = Table::new(["SOURCE", "AHEAD OF US", "GIVE OR TAKE", "FAULT"]);
        let mut told = Vec::new();
        for (source, one) in sources.iter().zip(&heard) {
            match one {
                Ok(sample) => {
                    let (ahead, error) = (sample.ahead.as_secs_f64(), sample.error.as_secs_f64());
                    table.row([
                        source.name().into(),
                        format!("{ahead:+.3} s"),
                        format!("{error:.3} s"),
                        String::new(),
                    ]);
                    told.push(json!({ "source": source.name(), "ahead_s": ahead, "error_s": error }));
                }
                Err(unheard) => {
                    let fault = chain(unheard);
                    table.row([source.name().into(), String::new(), String::new(), fault.clone()]);
                    told.push(json!({ "source": source.name(), "fault": fault }));
                }
            }
        }
        let offset = watch.offset().map(|offset| offset.as_secs_f64());
        let answer = Answer::new(
            json!({ "standing": standing.to_string(), "ahead_s": offset, "trusted": !watch.too_far(), "sources": told }),
            format!("{table}\nthis machine's clock: {standing}\n"),
        );
        Ok(match standing {
            Standing::Right(_) | Standing::Unwatched => answer,
            Standing::Unclear(_) | Standing::Off(_) | Standing::TooFar(_) => answer.negative(),
        })
    }
}
