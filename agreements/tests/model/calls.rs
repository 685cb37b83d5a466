//! Calls near the boundaries, and the moments at which they come.

use std::net::IpAddr;

use agreements::*;
use jiff::{Span, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;

use crate::plan::date;
use crate::support::*;

/// A call that passes in the base world, with up to two things otherwise; the last agreement named is often right.
pub(crate) fn a_call() -> impl Strategy<Value = Call<'static>> {
    let find = Call { path: &["persons"], parameters: &["iin"], ..call() };
    let lookup = Call {
        provider: "address-register",
        data_type: "address",
        path: &["addresses", "0100"],
        parameters: &[],
        claims: Claims { purpose: Some("delivery"), ..claims() },
        ..call()
    };
    let insurer = Call { certificate: fingerprint(4), claims: Claims::default(), ..lookup };
    let passing = select(vec![call(), call(), call(), find, lookup, insurer]);
    (passing, prop::collection::vec(deviation(), 0..3)).prop_map(|(mut call, deviations)| {
        for deviation in deviations {
            deviation.make(&mut call);
        }
        call
    })
}

#[derive(Debug, Clone)]
enum Deviation {
    Certificate(u8),
    Peer(IpAddr),
    Provider(&'static str),
    DataType(&'static str),
    Method(Method),
    Path(&'static [&'static str]),
    Parameters(&'static [&'static str]),
    Purpose(Option<&'static str>),
    Case(Option<&'static str>),
    User(Option<&'static str>),
    Agreement(Option<&'static str>),
}

impl Deviation {
    fn make(self, call: &mut Call<'static>) {
        match self {
            Self::Certificate(certificate) => call.certificate = fingerprint(certificate),
            Self::Peer(peer) => call.peer = peer,
            Self::Provider(id) => call.provider = id,
            Self::DataType(id) => call.data_type = id,
            Self::Method(method) => call.method = method,
            Self::Path(path) => call.path = path,
            Self::Parameters(parameters) => call.parameters = parameters,
            Self::Purpose(purpose) => call.claims.purpose = purpose,
            Self::Case(case) => call.claims.case = case,
            Self::User(user) => call.claims.user = user,
            Self::Agreement(agreement) => call.claims.agreement = agreement,
        }
    }
}

fn deviation() -> impl Strategy<Value = Deviation> {
    let paths: Vec<&'static [&'static str]> = vec![
        &[],
        &["persons"],
        &["persons", "7"],
        &["persons", "", "orders"],
        &["addresses"],
        &["addresses", "1"],
    ];
    let parameters: Vec<&'static [&'static str]> =
        vec![&[], &["iin"], &["page", "iin"], &["page"], &["as-of"], &["as-of", "x"], &["text"]];
    let peers = ["10.1.0.0", "10.2.0.0", "::ffff:10.1.2.3", "fd00:1::7", "fd00:2::1", "192.0.2.1"];
    let purposes = vec![None, None, Some("staffing"), Some("reserve"), Some("delivery"), Some("curiosity")];
    let agreements = vec![
        None,
        Some("portal-personnel"),
        Some("portal-personnel-2"),
        Some("portal-address"),
        Some("other"),
    ];
    prop_oneof![
        1 => (1..7_u8).prop_map(Deviation::Certificate),
        1 => select(peers.map(|peer| peer.parse().unwrap()).to_vec()).prop_map(Deviation::Peer),
        1 => select(vec!["personnel", "address-register", "portal", "nobody"]).prop_map(Deviation::Provider),
        1 => select(vec!["record", "address", "other"]).prop_map(Deviation::DataType),
        1 => select(vec![Method::Get, Method::Post, Method::Head]).prop_map(Deviation::Method),
        1 => select(paths).prop_map(Deviation::Path),
        2 => select(parameters).prop_map(Deviation::Parameters),
        2 => select(purposes).prop_map(Deviation::Purpose),
        1 => select(vec![None, Some(""), Some("17")]).prop_map(Deviation::Case),
        2 => select(vec![None, Some(""), Some("a.serikov"), Some("b.omarov"), Some("c.other")])
            .prop_map(Deviation::User),
        1 => select(agreements).prop_map(Deviation::Agreement),
    ]
}

/// Noon of a good day, or a nanosecond around an hour at which something may begin or end.
pub(crate) fn moment() -> impl Strategy<Value = Timestamp> {
    let hours = select(vec![0_i8, 0, 0, 0, 2, 8, 14, 18, 22]);
    let near = (date(), hours, select(vec![-1_i64, 0, 0, 1])).prop_map(|(day, hour, nanoseconds)| {
        let sharp = day.at(hour, 0, 0, 0).to_zoned(almaty()).unwrap().timestamp();
        sharp + Span::new().nanoseconds(nanoseconds)
    });
    prop_oneof![2 => Just(at("2026-06-10T12:00:00+05:00")), 3 => near]
}
