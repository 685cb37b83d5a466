//! The promises of DESIGN.md, seen from outside: over real sockets, against a running gateway.

use agreements::Command;
use insta::assert_snapshot;
use tests::world::sample::{ADDRESSES, LOOKUP, address_record, correction};
use tests::world::{Ask, Reply, World};

/// B9, D1: the example of STYLE.md.
#[tokio::test]
async fn suspended_agreement_is_refused_on_an_open_connection_and_logged() {
    let world = World::consumer_and_provider().agreement("address-lookup").start().await;
    let mut line = world.consumer.connect().await;
    assert_snapshot!(line.ask(&Ask::get(LOOKUP)).await, @"");
    world.regulator.suspend("address-lookup").await;
    let refused = line.ask(&Ask::get(LOOKUP)).await;
    assert_snapshot!(refused, @"403 agreement-suspended");
    assert_eq!(world.log.refused(refused.exchange()).unwrap().code, "agreement-suspended");
    let first = world.provider.seen().remove(0);
    assert_snapshot!(first.shown(world.provider.address()), @"");
    assert_eq!(world.log.closing(first.exchange()).await.trimmed, 3);
    let mut world = world;
    world.stop();
}
