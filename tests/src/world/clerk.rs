//! Who works over the API: a client of HTTPS with a token, a session, a client certificate, or nothing.

use std::net::SocketAddr;
use std::sync::Arc;

use agreements::{Access, Command, CommandName, Event, OperatorId, TokenId};
use bytes::Bytes;
use certs::authority::{IssuedPem, PersonRequest};
use gateway::api::access::{AccessStore, Secret, TokenText, hash_password};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::{Desk, World, sample};

/// A client of the API.
#[derive(Clone)]
pub struct Clerk {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    headers: Vec<(String, String)>,
}

/// What the API answered.
#[derive(Debug)]
pub struct Told {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl World {
    /// Nobody yet.
    ///
    /// # Panics
    /// If the gateway is stopped.
    pub fn clerk(&self) -> Clerk {
        self.clerk_with(None)
    }

    /// Somebody who shows a certificate.
    ///
    /// # Panics
    /// If the gateway is stopped.
    pub fn clerk_with(&self, shown: Option<&IssuedPem>) -> Clerk {
        let mut roots = RootCertStore::empty();
        for anchor in CertificateDer::pem_slice_iter(self.authority.anchors_pem().unwrap().as_bytes()) {
            roots.add(anchor.unwrap()).unwrap();
        }
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let tls = match shown {
            None => tls.with_no_client_auth(),
            Some(issued) => {
                let chain: Result<Vec<_>, _> =
                    CertificateDer::pem_slice_iter(issued.chain.as_bytes()).collect();
                let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
                tls.with_client_auth_cert(chain.unwrap(), key).unwrap()
            }
        };
        let address = self.app.as_ref().unwrap().api_address();
        Clerk { address, tls: Arc::new(tls), headers: Vec::new() }
    }

    /// A desk's own program, with a token for everything that its role may issue.
    pub fn program(&self, desk: &Desk) -> Clerk {
        let commands = CommandName::all().collect();
        self.clerk().bearer(&self.token(desk, "program", commands, 1))
    }

    /// A program of another operator, with a token for everything that a desk grants.
    ///
    /// # Panics
    /// If the rules refuse it.
    pub fn program_of(&self, desk: &Desk, operator: OperatorId) -> Clerk {
        self.clerk().bearer(&self.token_of(desk, operator, "program", CommandName::all().collect(), 1))
    }

    /// A token of an operator, granted as on the command line.
    ///
    /// # Panics
    /// If the rules refuse it.
    pub fn token(&self, desk: &Desk, name: &str, commands: Vec<CommandName>, hours: i64) -> String {
        self.token_of(desk, desk.actor().id.clone(), name, commands, hours)
    }

    fn token_of(
        &self,
        desk: &Desk,
        operator: OperatorId,
        name: &str,
        commands: Vec<CommandName>,
        hours: i64,
    ) -> String {
        let (id, secret) =
            (TokenId::new(&format!("{name}-of-{operator}")).unwrap(), Secret::fresh().unwrap());
        let expires = gateway::clock::now() + SignedDuration::from_hours(hours);
        let access = Access::Token { id: id.clone(), commands, expires };
        desk.issues(Command::GrantAccess { operator, access });
        self.access().set_token(&id, &secret).unwrap();
        TokenText { id, secret }.to_string()
    }

    /// Gives an operator a password, as on the command line.
    ///
    /// # Panics
    /// If the rules refuse it.
    pub fn password(&self, desk: &Desk, password: &str) {
        let operator: OperatorId = desk.actor().id.clone();
        let events =
            desk.issues(Command::GrantAccess { operator: operator.clone(), access: Access::Password });
        assert!(matches!(events[0].event, Event::AccessGranted { .. }));
        self.access().set_password(&operator, events[0].sequence, &hash_password(password).unwrap()).unwrap();
    }

    /// A client certificate for an operator, bound to nobody.
    ///
    /// # Panics
    /// If the authority does not issue it.
    pub fn person(&self, name: &str) -> IssuedPem {
        let request = PersonRequest {
            name: name.into(),
            iin: "860101300123".into(),
            bin: sample::bin(sample::MINISTRY),
            organisation: "A body".into(),
            days: 1,
        };
        self.authority.issue_operator(&request, gateway::clock::now()).unwrap()
    }

    /// The access store, as the command line opens it.
    ///
    /// # Panics
    /// If it cannot be opened.
    pub fn access(&self) -> AccessStore {
        AccessStore::open(&self.config.path(&self.config.api.access)).unwrap()
    }
}

impl Clerk {
    /// The same, with a token or a session.
    #[must_use]
    pub fn bearer(&self, secret: &str) -> Self {
        self.saying("authorization", &format!("Bearer {secret}"))
    }

    /// The same, with a header in every request.
    #[must_use]
    pub fn saying(&self, name: &str, value: &str) -> Self {
        let mut other = self.clone();
        other.headers.push((name.to_owned(), value.to_owned()));
        other
    }

    /// Where the API is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Told {
        self.ask(Method::GET, path, None).await
    }

    /// Sends JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Told {
        self.ask(Method::POST, path, Some(("application/json", Bytes::from(body.to_string())))).await
    }

    /// Issues a command, with a reason.
    pub async fn command(&self, name: &str, fields: Value) -> Told {
        let mut body = fields;
        body["reason"] = json!("as decided");
        self.post(&format!("/v1/commands/{name}"), &body).await
    }

    /// A connection, for whoever speaks on it in a way of their own.
    ///
    /// # Errors
    /// The connection or the handshake fails.
    pub async fn dial(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(self.address).await?;
        let name = ServerName::from(self.address.ip());
        TlsConnector::from(Arc::clone(&self.tls)).connect(name, tcp).await
    }

    /// Asks anything.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn ask(&self, method: Method, path: &str, body: Option<(&str, Bytes)>) -> Told {
        self.try_ask(method, path, body).await.unwrap()
    }

    /// Asks anything; nobody may answer.
    ///
    /// # Errors
    /// The connection or the handshake fails.
    pub async fn try_ask(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, Bytes)>,
    ) -> Result<Told, Box<dyn std::error::Error>> {
        let tls = self.dial().await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tls)).await?;
        let driver = tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some((media_type, _)) = &body {
            request = request.header("content-type", *media_type);
        }
        let body = body.map(|(_, body)| body).unwrap_or_default();
        let (parts, body) = sender.send_request(request.body(Full::new(body))?).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        driver.abort();
        Ok(Told { status: parts.status, headers: parts.headers, body })
    }
}

impl Told {
    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {:?}", self.body))
    }

    /// The status with the code of the problem, if it is one.
    pub fn outcome(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        match body["code"].as_str().filter(|_| !self.status.is_success()) {
            Some(code) => format!("{} {code}", self.status.as_u16()),
            None => self.status.as_u16().to_string(),
        }
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A moment some hours from now, for bodies.
pub fn in_hours(hours: i64) -> Timestamp {
    gateway::clock::now() + SignedDuration::from_hours(hours)
}
