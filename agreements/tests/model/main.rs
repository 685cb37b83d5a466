//! `decide` against an independent, naive model of the rules, on random worlds and calls near the boundaries.
#![allow(clippy::unwrap_used, reason = "tests")]

mod calls;
mod followed;
mod naive;
mod plan;
#[path = "../support/mod.rs"]
mod support;

use std::cell::RefCell;
use std::collections::BTreeMap;

use agreements::refusal::rows;
use agreements::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use naive::Model;

/// A1-A6, A9, B1-B4, B6-B9, C2: permitted if and only if the model finds nothing wrong under some agreement; a denial
/// names something that the model found; all codes come up; and replayed events decide the same.
#[test]
fn decide_permits_exactly_what_the_naive_model_finds_nothing_wrong_with() {
    let base = plan::base();
    let seen = RefCell::new(BTreeMap::<&str, u32>::new());
    let worlds = (
        plan::changes(),
        prop::bool::weighted(0.03),
        prop::bool::weighted(0.1),
        prop::collection::vec(probe(), 8),
    );
    let config = Config { cases: 2000, failure_persistence: None, ..Config::default() };
    let verdict = TestRunner::new(config).run(&worlds, |(changes, trial, reread, probes)| {
        let world = plan::play(&base, &changes);
        let environment = if trial { Phase::Trial } else { Phase::Production };
        let model = Model { registry: &world.registry, environment, unproven: &world.unproven };
        let prove = |signed: Signed<'_>| world.unproven.prove(signed);
        let book = Book::new(&world.registry, environment, &prove);
        let replayed = reread.then(|| Book::new(&replay(&world.log), environment, &prove));
        for (call, now) in probes {
            let findings = model.judge(&call, now);
            let decided = outcome(&book, &call, now);
            match &decided {
                Ok((number, version, operation)) => {
                    prop_assert!(findings.permit(), "permitted against {findings:?}\n{call:?} at {now}");
                    let key = (number.clone(), *version);
                    let under = findings.agreements.iter().find(|(under, _)| *under == key);
                    let innocent = under.is_some_and(|(_, codes)| codes.is_empty());
                    prop_assert!(innocent, "{number} {operation} against {findings:?}\n{call:?} at {now}");
                }
                Err(denial) => {
                    let code = denial.row().code;
                    prop_assert!(!findings.permit(), "{code} without cause\n{call:?} at {now}");
                    prop_assert!(
                        findings.codes().contains(code),
                        "{code} not in {findings:?}\n{call:?} at {now}"
                    );
                }
            }
            prop_assert_eq!(&decided, &outcome(&book, &call, now));
            if let Some(replayed) = &replayed {
                prop_assert_eq!(&decided, &outcome(replayed, &call, now));
            }
            let code = decided.map_or_else(|denial| denial.row().code, |_| "permit");
            *seen.borrow_mut().entry(code).or_default() += 1;
        }
        Ok(())
    });
    if let Err(failure) = verdict {
        panic!("{failure}");
    }
    let seen = seen.into_inner();

    for row in rows::ALL {
        assert!(seen.contains_key(row.code), "{} never came up: {seen:?}", row.code);
    }
    assert!(seen["permit"] > 2000, "too few calls passed to show anything: {seen:?}");
}

fn probe() -> impl Strategy<Value = (Call<'static>, jiff::Timestamp)> {
    (calls::a_call(), calls::moment())
}

type Permitted = (AgreementNumber, u32, OperationId);

fn outcome(book: &Book, call: &Call<'_>, now: jiff::Timestamp) -> Result<Permitted, Denial> {
    decide(book, call, now).map(|permit| {
        let text = &permit.agreement().text;
        (text.number.clone(), text.version, permit.operation().id.clone())
    })
}

/// The registry that the events make after they were written down and read again.
fn replay(log: &[Recorded]) -> Registry {
    let mut registry = Registry::default();
    for recorded in log {
        let line = serde_json::to_string(recorded).unwrap();
        let read: Recorded = serde_json::from_str(&line).unwrap();
        assert_eq!(*recorded, read);
        registry.apply(&read).unwrap();
    }
    registry
}
