//! `kelisim calendar`: the Republic's working days, and the terms that are counted in them.

use agreements::{CalendarDay, Command, Counted, DayIs, DayKind, OnWeekend, Term, TermKind, YearlyHoliday};
use clap::{Args, Subcommand};
use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::json;

use super::application::today;
use super::common::word;
use super::desk::{Desk, kebab};
use super::table::Table;
use super::{Answer, Common, Exit, Failure};

#[derive(Subcommand)]
pub(super) enum CalendarCommand {
    /// Show the days of a year that are otherwise than their weekday says
    #[command(after_help = "Example:\n  kelisim calendar show --year 2026")]
    Show {
        /// Which year [default: this one]
        #[arg(long)]
        year: Option<i16>,
    },
    /// Say what a day is: a holiday, worked, or off in the place of another
    #[command(after_help = "\
Example:
  kelisim calendar set 2027-05-16 holiday 'Kurban Ait' --as regulator
  kelisim calendar set 2027-01-04 transferred 'Government decree 1' --as regulator

Kinds: holiday, working, transferred.")]
    Set {
        /// Which
        day: Date,
        /// What it is
        #[arg(value_parser = word::<DayKind>)]
        kind: DayKind,
        /// The holiday's name, or the decision
        note: String,
    },
    /// Take back what was said of a day
    #[command(after_help = "Example:\n  kelisim calendar clear 2027-01-04 --as regulator")]
    Clear {
        /// Which
        day: Date,
    },
    /// Enter a holiday of every year, or end one
    Holiday(Holiday),
    /// Say on which day a term ends
    #[command(after_help = "Example:\n  kelisim calendar add 2026-03-02 10")]
    Add {
        /// The day on which it begins; it does not count
        day: Date,
        /// How many working days
        days: u16,
    },
    /// List the terms of the law
    #[command(after_help = "Example:\n  kelisim calendar terms")]
    Terms,
    /// Say how long a term is, from a day on
    Term(SetTerm),
}

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim calendar holiday 10 25 'Republic Day' --from 2022-01-01 --as regulator
  kelisim calendar holiday 12 1 'Day of the First President' --from 2013-01-01 --until 2021-12-31 --as regulator")]
pub(super) struct Holiday {
    /// Its month
    month: i8,
    /// Its day of the month
    day: i8,
    /// Its name
    name: String,
    /// The first day on which it can be kept
    #[arg(long, value_name = "DATE")]
    from: Date,
    /// The last, if it is known
    #[arg(long, value_name = "DATE")]
    until: Option<Date>,
    /// What becomes of it on a weekend: moves or stays
    #[arg(long, default_value = "moves", value_parser = word::<OnWeekend>)]
    weekend: OnWeekend,
}

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim calendar term departmental-plan 3 --counted calendar --clause 'Portal 28' --from 2026-07-01 --as regulator

Terms: registration, outcome, return, correction, basis, consideration, departmental-plan, interdepartmental-plan.")]
pub(super) struct SetTerm {
    /// Which
    #[arg(value_parser = word::<TermKind>)]
    kind: TermKind,
    /// How many days
    days: u16,
    /// Of which kind: working or calendar
    #[arg(long, default_value = "working", value_parser = word::<Counted>)]
    counted: Counted,
    /// The clause that says so
    #[arg(long, value_name = "TEXT")]
    clause: String,
    /// The first day of terms that are so long
    #[arg(long, value_name = "DATE")]
    from: Date,
}

pub(super) fn run(common: &Common, command: CalendarCommand) -> Result<Answer, Failure> {
    let mut desk = Desk::open(common)?;
    match command {
        CalendarCommand::Show { year } => show(&desk, year.unwrap_or(today().year())),
        CalendarCommand::Set { day, kind, note } => {
            let done = format!("{day} is {}", kebab(&kind));
            desk.issue(Command::SetCalendarDay { day: CalendarDay { day, kind, note } }, done)
        }
        CalendarCommand::Clear { day } => {
            desk.issue(Command::ClearCalendarDay { day }, format!("{day} is what its weekday says"))
        }
        CalendarCommand::Holiday(Holiday { month, day, name, from, until, weekend }) => {
            let done = format!("{name} is kept every year from {from}");
            let holiday = YearlyHoliday { month, day, name, from, until, weekend };
            desk.issue(Command::SetYearlyHoliday { holiday }, done)
        }
        CalendarCommand::Add { day, days } => {
            let due = desk.registry().calendar().add_working_days(day, days);
            Ok(Answer::new(json!({ "from": day, "working_days": days, "due": due }), format!("{due}\n")))
        }
        CalendarCommand::Terms => {
            let mut table = Table::new(["TERM", "DAYS", "COUNTED", "FROM", "CLAUSE"]);
            for term in desk.registry().terms().all() {
                let (kind, counted) = (kebab(&term.kind), kebab(&term.counted));
                table.row([kind, term.days.to_string(), counted, term.from.to_string(), term.clause.clone()]);
            }
            Ok(Answer::new(json!({ "terms": desk.registry().terms().all() }), table.to_string()))
        }
        CalendarCommand::Term(SetTerm { kind, days, counted, clause, from }) => {
            let done = format!("{} takes {days} days from {from}", kebab(&kind));
            desk.issue(Command::SetTerm { term: Term { kind, days, counted, clause, from } }, done)
        }
    }
}

fn show(desk: &Desk<'_>, year: i16) -> Result<Answer, Failure> {
    let calendar = desk.registry().calendar();
    let first =
        Date::new(year, 1, 1).map_err(|error| Failure::of(Exit::Usage, &error, "give another year"))?;
    let mut table = Table::new(["DAY", "WEEKDAY", "IS", "WHY"]);
    let mut listed = Vec::new();
    for day in first.series(1.day()).take_while(|day| day.year() == year) {
        let (is, why) = (calendar.at(day), calendar.why(day));
        let plain = match is {
            DayIs::Working => why.is_empty(),
            DayIs::Weekend => true,
            DayIs::Holiday | DayIs::Transferred => false,
        };
        if !plain {
            let weekday = format!("{:?}", day.weekday());
            table.row([day.to_string(), weekday, kebab(&is), why.to_owned()]);
            listed.push(json!({ "day": day, "is": is, "why": why }));
        }
    }
    Ok(Answer::new(
        json!({ "year": year, "days": listed, "yearly": calendar.yearly() }),
        table.or("no such day"),
    ))
}
