//! The person whom data is about: found in the record by the operator and the regulator together, by neither alone (D4).
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::path::{Path, PathBuf};

use agreements::almaty;
use serde_json::{Value, json};
use tests::world::wait::{PAUSE, within};
use tests::world::{Ask, Reply, World, kelisim};

const IIN: &str = "860101300126";

/// What a command said: its status, and the document that it printed.
fn told(dir: &Path, words: &[&str]) -> (i32, Value) {
    let line: Vec<&str> = words.iter().copied().chain(["--json", "--dir", dir.to_str().unwrap()]).collect();
    let (status, said) = kelisim(&line);
    (status.code().unwrap(), serde_json::from_str(&said).unwrap_or_default())
}

fn share(dir: &Path, party: &str, from: &str) -> PathBuf {
    let path = dir.join(format!("{from}.{party}.share"));
    let made = ["subject-key", "share", "--party", party, "--from", from, "--out", path.to_str().unwrap()];
    assert_eq!(told(dir, &made).0, 0);
    path
}

async fn asked(world: &World) -> String {
    let target = format!("/address-register/person/persons/{IIN}");
    let answer = world
        .consumer
        .asks(&Ask::get(&target).header("Kelisim-Case", "1").header("Kelisim-User", "a.serik"))
        .await;
    assert_eq!(answer.status, 200, "{answer}");
    world.log.opening(answer.exchange()).unwrap().subject.unwrap().into_owned()
}

/// D4
#[tokio::test]
async fn a_person_is_found_with_both_shares_of_the_period_and_with_neither_alone() {
    let mut world = World::consumer_and_provider().agreement("person-records").official("a.serik").found();
    world.start_again();
    world.provider.acts(|_| Reply::Json(200, json!({ "name": "A. Person" })));
    let before = asked(&world).await;
    assert_eq!(before.len(), 64, "hashed with the key that the operator has alone");

    let today = gateway::clock::now().to_zoned(almaty()).date().to_string();
    let dir = world.path().to_owned();
    let (operator, regulator) = (share(&dir, "operator", &today), share(&dir, "regulator", &today));
    let [operator, regulator] = [&operator, &regulator].map(|path| path.to_str().unwrap().to_owned());
    assert_eq!(told(&dir, &["subject-key", "begin", &operator, &operator]).0, 2);
    assert_eq!(told(&dir, &["subject-key", "begin", &operator, &regulator]).0, 0);
    let hash = within("the gateway to hash with the new key", async {
        loop {
            let hash = asked(&world).await;
            if hash.len() != 64 {
                return hash;
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await;
    assert!(hash.starts_with(&format!("{today}.")), "{hash}");
    world.stop();

    assert_eq!(told(&dir, &["log", "index"]).0, 0);
    let search = |more: &[&str]| {
        let words: Vec<&str> = ["log", "search", "--subject", IIN].iter().chain(more).copied().collect();
        let (exit, found) = told(&dir, &words);
        let hashes = |one: &Value| one["subject"].as_str().map(str::to_owned);
        (exit, found.as_array().map(|found| found.iter().filter_map(hashes).collect::<Vec<_>>()))
    };
    let (exit, found) = search(&["--share", &operator, "--share", &regulator]);
    let found = found.unwrap();
    assert!(exit == 0 && found.contains(&hash) && found.contains(&before), "{found:?}");
    for alone in [&operator, &regulator] {
        assert_eq!(search(&["--share", alone]).0, 2, "one share is no key");
    }
    let (_, found) = search(&[]);
    assert!(!found.unwrap().contains(&hash), "the operator's own key finds what was before the period only");
    let strange = dir.join("strange");
    std::fs::create_dir(&strange).unwrap();
    let other = share(&strange, "regulator", &today);
    assert_eq!(
        search(&["--share", &operator, "--share", other.to_str().unwrap()]).0,
        1,
        "not the shares of then"
    );

    // Over the API by the hash, which both made.
    world.start_again();
    let clerk = world.program(&world.regulator);
    let path = format!("/v1/exchanges?subject={hash}");
    let body = clerk.get(&path).await.json();
    assert_eq!(body["items"].as_array().unwrap().len(), 1);
    let journal = std::fs::read_to_string(world.config.path(&world.config.log.searches)).unwrap();
    assert!(!journal.contains(IIN), "who is looked for is written down as the hash");
}
