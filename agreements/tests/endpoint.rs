//! Where a provider may say that it listens: only what the gateway can dial and ask exactly as it is written.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use agreements::*;
use support::*;

fn endpoint(address: &str, server_name: &str, base_path: &str) -> Endpoint {
    Endpoint { address: address.into(), server_name: server_name.into(), base_path: base_path.into() }
}

#[test]
fn names_addresses_and_plain_paths_are_taken() {
    for good in [
        endpoint("register.example:443", "register.example", ""),
        endpoint("127.0.0.1:65535", "10.0.0.7", "/api"),
        endpoint("[fd00::7]:8443", "fd00::7", "/api/v1.2/a_b~c-d"),
        endpoint("register_1:1", "xn--80a.example", "/a..b"),
    ] {
        assert_eq!(good.check(), Ok(()), "{good:?}");
    }
}

/// A4: a stranger's words never reach the line to a provider, nor do an operator's slips.
#[test]
fn an_endpoint_that_cannot_be_dialled_as_written_enters_the_registry_by_no_command() {
    let long = format!("/{}", "a".repeat(512));
    let address = [
        "",
        "register.example",
        ":443",
        "r:0",
        "r:65536",
        "r:+1",
        "r:",
        "r e:1",
        "r/x:1",
        "u@r:1",
        "fd00::7:1",
        "[fd00::7:1",
        "[r]:1",
        "r..x:1",
        "-r:1",
        "1.2.3:1",
        "1.2.3.256:1",
        "r:1\r\n",
    ];
    let server_name = ["", "*.example", "r e", "r:1", "[::1]", "r/", "a..b", "r\u{430}", "300.1.1.1"];
    let base_path = [
        "/",
        "api",
        "/api/",
        "//api",
        "/a//b",
        "/a?b",
        "/a#b",
        "/a b",
        "/.",
        "/a/../b",
        "/%2e",
        "/a\\b",
        "/a;b",
        "/\u{430}",
        long.as_str(),
    ];
    let good = ("register.example:443", "register.example", "/api");
    let faulty = address.iter().map(|one| (endpoint(one, good.1, good.2), EndpointFault::Address));
    let faulty = faulty
        .chain(server_name.iter().map(|one| (endpoint(good.0, one, good.2), EndpointFault::ServerName)));
    let faulty =
        faulty.chain(base_path.iter().map(|one| (endpoint(good.0, good.1, one), EndpointFault::BasePath)));
    let mut world = World::registered();
    for (endpoint, fault) in faulty {
        let card = SystemCard { endpoint: Some(endpoint.clone()), ..card("newcomer", MINISTRY) };
        let register = Command::RegisterSystem { card, code: Some("9".into()) };
        let refused = |id| CommandError::Endpoint { system: system(id), fault };
        assert_eq!(world.refused(integrator(), register), refused("newcomer"), "{endpoint:?}");
        let update = Command::UpdateSystem {
            system: system("portal"),
            networks: None,
            endpoint: Some(endpoint.clone()),
        };
        assert_eq!(world.refused(integrator(), update), refused("portal"), "{endpoint:?}");
    }
}
