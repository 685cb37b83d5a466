//! A call that was refused, and what must be true of it.

use std::sync::Arc;

use agreements::refusal::Row;
use agreements::{Book, Call, Claims, Fingerprint, Method, Phase, Registry, decide};
use gateway::clock;
use gateway::registry::proof::Proofs;
use http::Request;
use tests::world::{Answer, Ask, World};

use super::UNRECORDED;

/// A world in which a call was refused.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) certificate: Fingerprint,
    pub(crate) ask: Ask,
    pub(crate) answer: Answer,
}

impl Scene {
    /// The answer, its problem document and the record say one thing.
    pub(crate) async fn shows(&self, row: &Row, code: &str) {
        let Self { world, answer, .. } = self;
        assert_eq!(answer.refusal(), Some(code), "{answer}");
        assert_eq!(answer.status, row.status, "{code}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{code}");
        assert_eq!(answer.header("content-language"), Some("kk"), "{code}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{code}");
        let problem = answer.json();
        assert_eq!(problem["code"], code);
        assert_eq!(problem["type"], format!("urn:kelisim:refusal:{code}"));
        assert_eq!(problem["status"], row.status, "{code}");
        assert_eq!(problem["detail"], row.words.kk, "{code}");
        assert_eq!(problem["clause"], row.clause, "{code}");
        assert!(problem["title"].is_string() && problem["culprit"].is_string(), "{code}");
        assert_eq!(problem["exchange"], answer.exchange().to_string(), "{code}");
        if UNRECORDED.iter().any(|(unrecorded, _)| *unrecorded == code) {
            assert_eq!(answer.header("kelisim-entry"), None, "{code}");
            return;
        }
        let entry = answer.header("kelisim-entry").unwrap_or_else(|| panic!("{code}: no entry named"));
        assert_eq!(problem["entry"], entry, "{code}");
        assert_eq!(world.log.code(answer.exchange()).await, code, "the record says otherwise");
        if let Some(refused) = world.log.refused(answer.exchange()) {
            assert_eq!(refused.clause, row.clause, "{code}");
            assert_eq!(refused.certificate, self.certificate, "{code}");
            assert!(!self.was_forwarded(), "{code}: forwarded all the same");
        }
        let named = world.log.entries().into_iter().find(|found| Some(found.index) == answer.entry());
        assert!(
            named.unwrap().line.contains(&answer.exchange().to_string()),
            "{code}: another entry is named"
        );
    }

    pub(crate) fn was_forwarded(&self) -> bool {
        self.world.provider.seen().iter().any(|seen| seen.exchange() == self.answer.exchange())
    }

    /// What the rules say to the same call asked as a question.
    pub(crate) fn explained(&self) -> &'static str {
        let mut asked = Request::builder().method(self.ask.method.as_str()).uri(&self.ask.target);
        for (name, value) in &self.ask.headers {
            asked = asked.header(name, value);
        }
        let (head, ()) = asked.body(()).unwrap().into_parts();
        let asked = adapters::native::read(&head).unwrap();
        let path: Vec<&str> = asked.path.segments().collect();
        let parameters: Vec<&str> = asked.query.pairs().iter().map(|(name, _)| name.as_ref()).collect();
        let call = Call {
            certificate: self.certificate,
            peer: [127, 0, 0, 1].into(),
            provider: asked.provider,
            data_type: asked.data_type,
            method: Method::parse(&self.ask.method).unwrap(),
            path: &path,
            parameters: &parameters,
            claims: Claims {
                purpose: asked.claims.purpose.as_deref(),
                case: asked.claims.case.as_deref(),
                user: asked.claims.user.as_deref(),
                agreement: asked.claims.agreement.as_deref(),
            },
        };
        self.world.regulator.registry().with(|office| {
            let mut registry = Registry::default();
            office.history(0, 10_000).unwrap().iter().for_each(|event| registry.apply(event).unwrap());
            let proofs = Proofs::new(Arc::clone(office.trust()));
            let now = clock::now();
            let book = Book::new(&registry, Phase::Production, &|one| proofs.prove(one, &registry, now));
            decide(&book, &call, now).map(drop).unwrap_err().row().code
        })
    }
}
