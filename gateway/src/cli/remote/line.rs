//! HTTPS to the API: who asks is shown by a token or a certificate; each wait is bounded.

use std::fs;
use std::time::Duration;

use agreements::{Actor, Bin, OperatorId, Role};
use bytes::Bytes;
use certs::danger::danger_trust_without_revocation;
use certs::keys::{Identity, read_secret};
use certs::tls::{Alpn, Clock, Connector, ConnectorOptions};
use certs::trust::{Trust, TrustAnchors};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use tokio::net::TcpStream;
use uuid::Uuid;

use super::super::common::Common;
use super::super::{Exit, Failure};
use crate::api::OURS;
use crate::clock;
use crate::registry::ServerError;

/// A line to an API, opened for one command.
pub(in crate::cli) struct Line {
    base: Uri,
    connector: Connector,
    bearer: Option<String>,
    runtime: tokio::runtime::Runtime,
    open: Option<SendRequest<Full<Bytes>>>,
    pub(super) present: Actor,
    trust: Arc<Trust>,
}

/// What the API says of who asks.
#[derive(Deserialize)]
struct Present {
    operator: OperatorId,
    role: Role,
    holder: Bin,
}

impl Line {
    /// Opens the line that the options name, and asks who one is there.
    pub(in crate::cli) fn open(common: &Common) -> Result<Self, Failure> {
        let usage = |what: &str, todo: &str| Failure::new(Exit::Usage, what, todo);
        let server = common.server.as_deref().unwrap_or_default();
        let base: Uri =
            server.parse().map_err(|_| usage("--server is no address", "as https://gateway:8444"))?;
        if base.scheme_str() != Some("https") || base.host().is_none() {
            return Err(usage("--server is not https", "as https://gateway:8444"));
        }
        let ca = common.ca.as_ref().ok_or_else(|| {
            usage(
                "whom to believe is not named",
                "give --ca FILE, or KELISIM_CA: the root of the server's certificate",
            )
        })?;
        let unfit =
            |error: &dyn std::error::Error| Failure::of(Exit::Environment, error, "see --ca, --client-cert");
        let pem = fs::read(ca).map_err(|error| {
            Failure::new(
                Exit::Environment,
                format!("cannot read {}: {error}", ca.display()),
                "name the PEM file that was meant",
            )
        })?;
        let anchors = TrustAnchors::from_pem(&pem, clock::now()).map_err(|error| unfit(&error))?;
        // As browsers do: whoever types this has no revocation lists, and shows no secret but to the named server.
        let set = danger_trust_without_revocation(anchors, Vec::new()).map_err(|error| unfit(&error))?;
        let trust = Arc::new(Trust::new(set));
        let options =
            ConnectorOptions { alpn: vec![Alpn::Http1], ..ConnectorOptions::new(Clock::new(clock::now)) };
        let connector = match common.client_cert.as_ref().zip(common.client_key.as_ref()) {
            Some((cert, key)) => {
                Connector::new(&Identity::from_files(cert, key)?, Arc::clone(&trust), options)
            }
            None => Connector::anonymous(Arc::clone(&trust), options),
        };
        let connector = connector.map_err(|error| unfit(&error))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| unfit(&error))?;
        let nobody = Actor {
            id: OperatorId::new("nobody").map_err(|error| unfit(&error))?,
            role: Role::Expert,
            holder: Bin::new("000000000000").map_err(|error| unfit(&error))?,
            via: "api".into(),
        };
        let bearer = bearer(common)?;
        let mut line = Self { base, connector, bearer, runtime, open: None, present: nobody, trust };
        let present = line.ask(Method::GET, "/v1/session", None)?;
        let present: Present = serde_json::from_value(present)
            .map_err(|error| Failure::from(ServerError::unreadable(&error)))?;
        line.present =
            Actor { id: present.operator, role: present.role, holder: present.holder, via: "api".into() };
        Ok(line)
    }

    /// Whom this side believes.
    pub(in crate::cli) fn trust(&self) -> &Arc<Trust> {
        &self.trust
    }

    /// Asks with JSON or without a body.
    pub(in crate::cli) fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ServerError> {
        let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let media_type = if body.is_some() { "application/json" } else { "" };
        self.send(method, path, media_type, bytes)
    }

    /// Sends bytes of a type; the answer as JSON, null where it has none.
    pub(in crate::cli) fn send(
        &mut self,
        method: Method,
        path: &str,
        media_type: &str,
        bytes: Vec<u8>,
    ) -> Result<Value, ServerError> {
        let (body, key) = (Bytes::from(bytes), Uuid::now_v7().to_string());
        let mut open = self.open.take();
        let asked = self.runtime.block_on(async {
            let once = |open| self.once(open, &method, path, media_type, &key, body.clone());
            match tokio::time::timeout(LONGEST, once(open.take())).await {
                // Asked again under the same key: nothing is done twice.
                Ok(Err(ServerError::Broken(_))) => tokio::time::timeout(LONGEST, once(None)).await,
                asked => asked,
            }
        });
        let (open, status, body) = asked.map_err(|_| ServerError::Broken("no answer in time".into()))??;
        self.open = Some(open);
        let said: Value =
            if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap_or_default() };
        if status.is_success() {
            return Ok(said);
        }
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        let problems = said["problems"].as_array().cloned().unwrap_or_default();
        Err(ServerError::Problem {
            status: status.as_u16(),
            code: text("code"),
            detail: text("detail"),
            problems,
        })
    }

    async fn once(
        &self,
        open: Option<SendRequest<Full<Bytes>>>,
        method: &Method,
        path: &str,
        media_type: &str,
        key: &str,
        body: Bytes,
    ) -> Result<(SendRequest<Full<Bytes>>, http::StatusCode, Bytes), ServerError> {
        let broken = |error: &dyn std::error::Error| ServerError::Broken(crate::telemetry::chain(error));
        let mut sender = match open.filter(|open| !open.is_closed()) {
            Some(open) => open,
            None => self.connect().await?,
        };
        let authority = self.base.authority().map(http::uri::Authority::as_str).unwrap_or_default();
        let path = format!("{}{path}", self.base.path().trim_end_matches('/'));
        let mut request =
            Request::builder().method(method).uri(path).header(HOST, authority).header(OURS, "1");
        if let Some(bearer) = &self.bearer {
            request = request.header(AUTHORIZATION, format!("Bearer {bearer}"));
        }
        if !media_type.is_empty() {
            request = request.header(CONTENT_TYPE, media_type);
        }
        if *method == Method::POST {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(Full::new(body)).map_err(|error| broken(&error))?;
        sender.ready().await.map_err(|error| broken(&error))?;
        let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MOST_BYTES).collect().await;
        let body = body.map_err(|error| ServerError::Broken(error.to_string()))?.to_bytes();
        Ok((sender, status, body))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, ServerError> {
        let broken = |error: &dyn std::error::Error| ServerError::Unreached(crate::telemetry::chain(error));
        let host = self.base.host().unwrap_or_default().trim_matches(['[', ']']);
        let port = self.base.port_u16().unwrap_or(8444);
        let tcp = TcpStream::connect((host, port)).await.map_err(|error| broken(&error))?;
        let connected = self.connector.connect(tcp, host, None).await.map_err(|error| broken(&error))?;
        let (sender, connection) =
            handshake(TokioIo::new(connected.stream)).await.map_err(|error| broken(&error))?;
        // Ends with the command.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }
}

/// The token, or the session: from a file, or from the environment, never from the command line.
fn bearer(common: &Common) -> Result<Option<String>, Failure> {
    let Some(file) = &common.token_file else {
        return Ok(std::env::var("KELISIM_TOKEN").ok().filter(|token| !token.is_empty()));
    };
    let todo = "name the file that holds the token, and keep it to yourself: mode 600";
    let read = read_secret(file).map_err(|error| Failure::of(Exit::Environment, &error, todo))?;
    let text = String::from_utf8(read).map_err(|error| Failure::of(Exit::Environment, &error, todo))?;
    Ok(Some(text.trim().to_owned()))
}

/// Longest time for one answer: documents of 60 MB take a while.
const LONGEST: Duration = Duration::from_secs(120);

/// Bytes of one answer.
const MOST_BYTES: usize = 64 << 20;
