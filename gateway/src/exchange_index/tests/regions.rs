//! Searches by many systems and organisations: only those are looked up that stand beside the other words.

use super::{word as said, *};

/// A region of `systems`, its organisations too, and as many more that never exchanged anything.
fn region(systems: &[String]) -> Viewer {
    let strangers = (0..30).map(|number| format!("stranger-{number}"));
    Viewer::Parties {
        holders: systems.iter().map(|system| format!("1{system}")).collect(),
        systems: systems.iter().cloned().chain(strangers).collect(),
    }
}

/// D2
#[test]
fn what_a_region_finds_is_what_it_took_part_in_whatever_words_it_adds() {
    let mut scene = Scene::new();
    let name = |number: usize| format!("s-{number}");
    let mut pairs = Vec::new();
    for number in 0..240 {
        // Each asks a few; `hub` more than are counted.
        let (consumer, provider) = match number % 2 {
            0 => ("hub".to_owned(), name(number)),
            _ => (name(number % 40), name(40 + number * 7 % 60)),
        };
        scene.exchange(&consumer, &provider, &format!("c-{number}"));
        pairs.push((consumer, provider));
    }
    scene.refuse("s-3", "no-agreement");
    pairs.push(("s-3".to_owned(), String::new()));
    let index = scene.index();
    let numbers = |from: usize, to: usize| -> Vec<String> { (from..to).map(name).collect() };
    let (mut asked, mut hits) = (0, 0);
    for mine in [numbers(0, 20), numbers(41, 100), numbers(200, 240), numbers(300, 330), vec!["hub".into()]] {
        let in_region = |system: &str| mine.iter().any(|one| one == system);
        for word in (0..60).map(name).chain(["hub".to_owned(), "nobody".to_owned()]) {
            for (kind, fits) in [
                (Kind::Consumer, (|pair, word| pair.0 == word) as fn(&(String, String), &str) -> bool),
                (Kind::Provider, |pair, word| pair.1 == word),
                (Kind::System, |pair, word| pair.0 == word || pair.1 == word),
            ] {
                let expected: Vec<u64> = (0..pairs.len())
                    .rev()
                    .filter(|item| fits(&pairs[*item], &word))
                    .filter(|item| in_region(&pairs[*item].0) || in_region(&pairs[*item].1))
                    .map(|item| item as u64)
                    .collect();
                let query = said(kind, &word);
                let found = index.find(&query, &region(&mine), None, 1_000).unwrap().0;
                assert_eq!(found, expected, "{kind:?} {word}, seen by {mine:?}");
                (asked, hits) = (asked + 1, hits + found.len());
            }
        }
    }
    assert!(asked > 900 && hits > 200, "{asked} {hits}");
    let purpose = said(Kind::Purpose, "service");
    assert_eq!(index.find(&purpose, &region(&numbers(200, 240)), None, 99).unwrap().0.len(), 20);
    let never = said(Kind::Purpose, "another");
    assert!(index.find(&never, &region(&numbers(0, 240)), None, 99).unwrap().0.is_empty());
    let code = said(Kind::Code, "no-agreement");
    assert_eq!(index.find(&code, &region(&numbers(3, 4)), None, 99).unwrap().0, [240]);
}

/// D2: of a region and what it never took part in nothing is read but who took part.
#[test]
fn where_a_region_met_nobody_its_systems_are_not_looked_up() {
    let mut scene = Scene::new();
    scene.exchange("portal", "registry", "c-1");
    scene.exchange("mill", "bank", "c-2");
    let index = scene.index();
    let mill = region(&["mill".to_owned()]);
    // As if all stood in both: what is not looked up is not found.
    index.connection.execute("UPDATE posting SET items = x'00000100'", []).unwrap();
    let seen = |system: &str| index.find(&said(Kind::Consumer, system), &mill, None, 9).unwrap().0.len();
    assert_eq!((seen("portal"), seen("mill")), (0, 2));
    index.connection.execute("UPDATE parties SET systems = x''", []).unwrap();
    assert_eq!(seen("portal"), 2, "any may have met them");
}
