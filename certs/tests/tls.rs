//! Mutual TLS between our two sides, and against those who do not keep to it.
#![allow(clippy::unwrap_used, reason = "tests may")]

mod support;

use std::sync::Arc;

use certs::tls::{
    Accepted, Acceptor, AcceptorOptions, Alpn, ClientCertificates, Clock, ConnectFailure, Connected,
    Connector, ConnectorOptions, Handshake, HandshakeFailure, Identity, OldestTls,
};
use certs::{Trust, fingerprint};
use rcgen::{ExtendedKeyUsagePurpose, SerialNumber, date_time_ymd};
use support::{Ca, Leaf, root, today};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

struct World {
    root: Ca,
    trust: Arc<Trust>,
    server: Leaf,
    client: Leaf,
}

impl World {
    fn new() -> Self {
        let root = root("root");
        let trust = Arc::new(Trust::new(root.set(&[], &[root.crl(&[])])));
        let server = root.leaf(|p| p.serial_number = Some(SerialNumber::from(1)));
        let client = root.leaf(|p| p.serial_number = Some(SerialNumber::from(2)));
        Self { root, trust, server, client }
    }

    fn revoke(&self, serial: u64) {
        self.trust.replace(self.root.set(&[], &[self.root.crl(&[serial])]));
    }

    fn acceptor(&self) -> Acceptor {
        Acceptor::new(&identity(&self.server), self.trust.clone(), AcceptorOptions::new(clock())).unwrap()
    }

    fn connector(&self) -> Connector {
        self.connector_as(&self.client)
    }

    fn connector_as(&self, leaf: &Leaf) -> Connector {
        Connector::new(&identity(leaf), self.trust.clone(), ConnectorOptions::new(clock())).unwrap()
    }
}

fn clock() -> Clock {
    Clock::new(today)
}

fn identity(leaf: &Leaf) -> Identity {
    Identity::from_pem(leaf.pem.as_bytes(), leaf.key.serialize_pem().as_bytes()).unwrap()
}

type Accept = Result<Accepted<DuplexStream>, HandshakeFailure>;
type Connect = Result<Connected<DuplexStream>, ConnectFailure>;

async fn shake(acceptor: &Acceptor, connector: &Connector, name: &str) -> (Accept, Connect) {
    let (ours, theirs) = duplex(1 << 16);
    tokio::join!(acceptor.accept(ours), connector.connect(theirs, name, None))
}

/// C1
#[tokio::test]
async fn both_sides_know_each_other_and_can_speak() {
    let world = World::new();
    let (accepted, connected) = shake(&world.acceptor(), &world.connector(), "system.test").await;
    let (mut accepted, mut connected) = (accepted.unwrap(), connected.unwrap());
    assert_eq!(accepted.chain.fingerprint(), fingerprint(&world.client.der));
    assert_eq!(connected.chain.fingerprint(), fingerprint(&world.server.der));
    assert_eq!(
        (accepted.stream.handshake(), connected.stream.handshake()),
        (Handshake::Full, Handshake::Full)
    );
    connected.stream.write_all(b"ask").await.unwrap();
    connected.stream.flush().await.unwrap();
    let mut bytes = [0; 3];
    accepted.stream.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"ask");
}

#[tokio::test]
async fn protocol_is_agreed_and_http_1_1_if_nobody_asks() {
    let world = World::new();
    for (offered, agreed) in [
        (vec![Alpn::Http2, Alpn::Http1], Alpn::Http2),
        (vec![Alpn::Http1], Alpn::Http1),
        (vec![], Alpn::Http1),
    ] {
        let options = ConnectorOptions { alpn: offered, ..ConnectorOptions::new(clock()) };
        let connector = Connector::new(&identity(&world.client), world.trust.clone(), options).unwrap();
        let (accepted, connected) = shake(&world.acceptor(), &connector, "system.test").await;
        assert_eq!((accepted.unwrap().alpn, connected.unwrap().alpn), (agreed, agreed));
    }
}

#[tokio::test]
async fn chain_is_verified_once_for_many_connections() {
    let world = World::new();
    let acceptor = world.acceptor();
    for _ in 0..3 {
        let (accepted, connected) = shake(&acceptor, &world.connector(), "system.test").await;
        assert!(accepted.is_ok() && connected.is_ok());
    }
    assert_eq!(world.trust.verifications(), 2, "one for each side");
}

/// C1
#[tokio::test]
async fn caller_without_a_certificate_is_refused_as_such() {
    let world = World::new();
    let connector = without_certificate(&world);
    let (ours, theirs) = duplex(1 << 16);
    let acceptor = world.acceptor();
    let (accepted, _) =
        tokio::join!(acceptor.accept(ours), connector.connect("system.test".try_into().unwrap(), theirs));
    assert!(matches!(accepted, Err(HandshakeFailure::NoCertificate)));
}

fn without_certificate(world: &World) -> tokio_rustls::TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(world.root.der.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tokio_rustls::TlsConnector::from(Arc::new(config))
}

/// E4
#[tokio::test]
async fn where_people_call_a_certificate_may_be_missing_but_one_that_is_shown_must_count() {
    let world = World::new();
    let certificates = ClientCertificates::Optional;
    let options = AcceptorOptions { certificates, ..AcceptorOptions::new(clock()) };
    let acceptor = Acceptor::new(&identity(&world.server), world.trust.clone(), options).unwrap();
    let connector = without_certificate(&world);
    let (ours, theirs) = duplex(1 << 16);
    let (greeted, connected) =
        tokio::join!(acceptor.greet(ours), connector.connect("system.test".try_into().unwrap(), theirs));
    assert!(greeted.unwrap().chain.is_none() && connected.is_ok());

    let (ours, theirs) = duplex(1 << 16);
    let shown = world.connector();
    let (greeted, _) = tokio::join!(acceptor.greet(ours), shown.connect(theirs, "system.test", None));
    assert_eq!(greeted.unwrap().chain.unwrap().fingerprint(), fingerprint(&world.client.der));

    world.revoke(2);
    let (ours, theirs) = duplex(1 << 16);
    let (greeted, _) = tokio::join!(acceptor.greet(ours), shown.connect(theirs, "system.test", None));
    assert_eq!(greeted.unwrap_err().code(), "revoked");
}

/// A6
#[tokio::test]
async fn caller_who_does_not_count_is_refused_for_its_own_reason() {
    let world = World::new();
    world.revoke(9);
    let revoked = world.root.leaf(|p| p.serial_number = Some(SerialNumber::from(9)));
    let expired = world.root.leaf(|p| p.not_after = date_time_ymd(2026, 11, 1));
    let stranger = root("stranger").leaf(|_| {});
    let server = world.root.leaf(|p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
    for (leaf, code) in [
        (revoked, "revoked"),
        (expired, "expired"),
        (stranger, "chain-incomplete"),
        (server, "wrong-key-usage"),
    ] {
        let (accepted, connected) = shake(&world.acceptor(), &world.connector_as(&leaf), "system.test").await;
        let failure = accepted.unwrap_err();
        assert_eq!(failure.code(), code);
        let HandshakeFailure::Untrusted { fingerprint: presented, .. } = failure else { panic!("{failure}") };
        assert_eq!(presented, fingerprint(&leaf.der));
        // TLS 1.3: the caller's side is done before ours; it hears of it when it reads.
        let mut stream = connected.unwrap().stream;
        assert!(stream.read(&mut [0; 1]).await.is_err());
    }
}

/// B9
#[tokio::test]
async fn resumed_session_is_verified_again() {
    let world = World::new();
    let (acceptor, connector) = (world.acceptor(), world.connector());
    for expected in [Handshake::Full, Handshake::Resumed] {
        let (accepted, connected) = shake(&acceptor, &connector, "system.test").await;
        let (mut accepted, mut connected) = (accepted.unwrap(), connected.unwrap());
        assert_eq!((accepted.stream.handshake(), connected.stream.handshake()), (expected, expected));
        assert_eq!(accepted.chain.fingerprint(), fingerprint(&world.client.der));
        assert_eq!(connected.chain.fingerprint(), fingerprint(&world.server.der));
        // The ticket comes with the first bytes that the caller reads.
        accepted.stream.write_all(b"x").await.unwrap();
        accepted.stream.flush().await.unwrap();
        connected.stream.read_exact(&mut [0; 1]).await.unwrap();
    }
    world.revoke(2);
    let (accepted, _) = shake(&acceptor, &connector, "system.test").await;
    assert_eq!(accepted.unwrap_err().code(), "revoked");
}

#[tokio::test]
async fn server_is_refused_unless_trusted_for_its_name_and_bound() {
    let world = World::new();
    let (_, connected) = shake(&world.acceptor(), &world.connector(), "other.test").await;
    assert_eq!(connected.unwrap_err().code(), "name-mismatch");
    let (_, connected) = shake(&world.acceptor(), &world.connector(), "not a name").await;
    assert_eq!(connected.unwrap_err().code(), "bad-name");

    let bound = fingerprint(&world.server.der);
    for (expected, fine) in [(vec![bound], true), (vec![fingerprint(b"x"), bound], true), (vec![], false)] {
        let (ours, theirs) = duplex(1 << 16);
        let (acceptor, connector) = (world.acceptor(), world.connector());
        let (_, connected) =
            tokio::join!(acceptor.accept(ours), connector.connect(theirs, "system.test", Some(&expected)));
        match connected {
            Ok(_) => assert!(fine),
            Err(failure) => assert_eq!((fine, failure.code()), (false, "certificate-not-bound")),
        }
    }

    world.revoke(1);
    let (_, connected) = shake(&world.acceptor(), &world.connector(), "system.test").await;
    assert_eq!(connected.unwrap_err().code(), "revoked");
}

#[tokio::test]
async fn identity_can_be_renewed_while_serving() {
    let world = World::new();
    let (acceptor, renewed) = (world.acceptor(), world.root.leaf(|_| {}));
    acceptor.replace_identity(&identity(&renewed));
    let (_, connected) = shake(&acceptor, &world.connector(), "system.test").await;
    assert_eq!(connected.unwrap().chain.fingerprint(), fingerprint(&renewed.der));
}

#[tokio::test]
async fn tls_1_2_is_spoken_only_where_configured() {
    let world = World::new();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(world.root.der.clone()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(world.client.key.serialize_der()).unwrap();
    let old = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![world.client.der.clone()], key)
        .unwrap();
    let old = tokio_rustls::TlsConnector::from(Arc::new(old));
    for (oldest, code) in [(OldestTls::Tls12, None), (OldestTls::Tls13, Some("tls-failed"))] {
        let options = AcceptorOptions { oldest, ..AcceptorOptions::new(clock()) };
        let acceptor = Acceptor::new(&identity(&world.server), world.trust.clone(), options).unwrap();
        let (ours, theirs) = duplex(1 << 16);
        let (accepted, _) =
            tokio::join!(acceptor.accept(ours), old.connect("system.test".try_into().unwrap(), theirs));
        assert_eq!(accepted.as_ref().err().map(HandshakeFailure::code), code);
        if let Ok(accepted) = accepted {
            assert_eq!(accepted.chain.fingerprint(), fingerprint(&world.client.der));
        }
    }
}

#[tokio::test]
async fn whoever_does_not_speak_tls_or_leaves_is_told_apart() {
    let world = World::new();
    for (bytes, code) in
        [(&b"GET / HTTP/1.1\r\n\r\n"[..], "tls-failed"), (b"\x16\x03\x01", "connection-broken")]
    {
        let (ours, mut theirs) = duplex(1 << 16);
        theirs.write_all(bytes).await.unwrap();
        theirs.shutdown().await.unwrap();
        assert_eq!(world.acceptor().accept(ours).await.unwrap_err().code(), code);
    }
}
