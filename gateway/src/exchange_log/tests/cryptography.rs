//! What segments say at their head of the cryptographic tool (C5).

use super::*;
use crate::cryptography::Confirmation;

/// C5, D3: a change of the tool, or of what confirms it, begins a segment; nothing else does, and older logs remain whole.
#[test]
fn where_the_tool_or_its_confirmation_changes_a_segment_begins_that_says_so() {
    let mut world = World::new();
    let confirmation = Confirmation {
        number: "KZ-77".into(),
        issuer: "Accredited body".into(),
        until: "2027-03-01".parse().unwrap(),
    };
    let confirmed = Cryptography { confirmation: Some(confirmation), ..tool("5.12.0") };
    let lives = [None, Some(tool("5.11.0")), Some(tool("5.12.0")), Some(confirmed)];
    for life in &lives {
        world.cryptography.clone_from(life);
        world.write(2);
        world.write(1);
    }
    let segments = Segment::list(&world.log_dir()).unwrap();
    let headers: Vec<_> = segments.iter().map(head_of).collect();
    assert_eq!(headers, lives, "a start with the same tool begins none");
    assert_eq!(world.findings(), [""; 0]);
    assert_eq!(outcomes(&world.entries()).len(), 12);
}

/// What the first line of a segment says.
fn head_of(segment: &Segment) -> Option<Cryptography> {
    let bytes = fs::read(&segment.path).unwrap();
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap();
    let Some(Entry { record: Record::Segment(header), .. }) = Entry::parse(line) else {
        panic!("{} begins with no header", segment.path.display())
    };
    header.cryptography.map(std::borrow::Cow::into_owned)
}

/// C8: what a crash left open is closed first, where it was opened.
#[test]
fn a_crash_before_the_change_leaves_nothing_open() {
    let mut world = World::new();
    world.cryptography = Some(tool("5.11.0"));
    let (log, _) = world.start().unwrap();
    on_core(&log, async |port| std::mem::forget(port.open(&opening()).await.unwrap()));
    drop(log);
    world.cryptography = Some(tool("5.12.0"));
    world.write(1);
    assert_eq!(outcomes(&world.entries()), [Outcome::Unknown, Outcome::Completed]);
    assert_eq!(world.findings(), [""; 0]);
}
