//! All that fits, streamed: there may be more than memory holds.
//!
//! Pages are read one by one, the next when the last was taken; a reader that stands still is let go. An export that
//! fails in the middle breaks the connection off, so that half a file is never taken for a whole one.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode};
use http_body::Frame;
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::super::asked::{Asked, Reply};
use super::super::operation::{Access, Cost, Does, Media, Operation, parameter};
use super::super::problem::Problem;
use super::super::serve::{blocking, finish};
use super::super::shared::Shared;
use super::search::{filters, query};
use super::{PART, READERS, index, sight, write_down};
use crate::exchange_index::{
    Cursor, Index, IndexError, Query, Sought, Viewer, csv_heading, csv_line, json_line,
};
use crate::personal::PersonalKeys;
use crate::telemetry::chain;

pub(super) fn operations() -> Vec<Operation> {
    let format = json!({ "enum": ["csv", "jsonl"], "default": "csv" });
    vec![Operation {
        id: "export-exchanges".to_owned(),
        method: Method::GET,
        path: "/v1/exchanges/export".to_owned(),
        summary: "Gives all exchanges and refused calls that fit, newest first, as a file".to_owned(),
        part: PART,
        access: Access::Roles(READERS),
        inputs: filters().into_iter().chain([parameter("format", "The form of the file", format)]).collect(),
        body: None,
        answer: Media { types: &["text/csv", "application/jsonl"], schema: json!({ "type": "string" }) },
        otherwise: None,
        status: 200,
        problems: Vec::new(),
        cost: Cost::Usual,
        does: Does::GiveExport,
    }]
}

/// Forms of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Csv,
    Jsonl,
}

/// Begins an export.
///
/// # Errors
/// What is asked for is malformed, or the record cannot be read: nothing was begun.
pub(in crate::api) async fn give(shared: &Arc<Shared>, asked: Asked) -> Result<Response<Body>, Problem> {
    let form = match asked.parameter::<String>("format")?.as_deref() {
        None | Some("csv") => Form::Csv,
        Some("jsonl") => Form::Jsonl,
        Some(_) => return Err(Problem::new("parameter-malformed", "format: csv or jsonl")),
    };
    let place = Arc::clone(&shared.exports).try_acquire_owned();
    let place = place.map_err(|_| Problem::new("busy", "too many exports at once").after(30))?;
    let headers = asked.headers.clone();
    let sharing = Arc::clone(shared);
    let begun = blocking(move || {
        let query = query(&sharing, &asked)?;
        let viewer = sight(&sharing, &asked.caller()?.actor)?;
        let index = index(&sharing)?;
        write_down(&sharing, &asked, &viewer, Sought::Query(&query))?;
        let personal = Arc::clone(&sharing.personal);
        Ok(Export { index, query, viewer, form, after: None, personal })
    });
    let export = begun.await?;
    let (sends, receives) = mpsc::channel(1);
    tokio::spawn(run(export, sends, place));
    let mut response = finish(Ok(Reply::empty()), &headers);
    *response.status_mut() = StatusCode::OK;
    *response.body_mut() = Body::new(Streamed { receives });
    let (media_type, name) = match form {
        Form::Csv => ("text/csv; charset=utf-8; header=present", "attachment; filename=\"exchanges.csv\""),
        Form::Jsonl => ("application/jsonl", "attachment; filename=\"exchanges.jsonl\""),
    };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(CONTENT_DISPOSITION, HeaderValue::from_static(name));
    Ok(response)
}

/// An export under way.
struct Export {
    index: Index,
    query: Query,
    viewer: Viewer,
    form: Form,
    after: Option<Cursor>,
    personal: Arc<PersonalKeys>,
}

impl Export {
    fn page(&mut self) -> Result<(String, Going), IndexError> {
        let page = self.index.search(&self.query, &self.viewer, self.after, PAGE)?;
        let line = match self.form {
            Form::Csv => csv_line,
            Form::Jsonl => json_line,
        };
        self.after = page.next;
        let going = if self.after.is_some() { Going::On } else { Going::Done };
        Ok((page.hits.iter().map(|hit| line(hit, &self.personal)).collect(), going))
    }
}

enum Going {
    On,
    Done,
}

async fn run(mut export: Export, sends: Sender<io::Result<Bytes>>, place: OwnedSemaphorePermit) {
    // Held until the last page was taken.
    let _place = place;
    if export.form == Form::Csv && sends.send(Ok(csv_heading().into())).await.is_err() {
        return;
    }
    loop {
        let read = tokio::task::spawn_blocking(move || {
            let page = export.page();
            (export, page)
        });
        let Ok((back, page)) = read.await else { return cut_off(&sends) };
        export = back;
        let (text, going) = match page {
            Ok(page) => page,
            Err(error) => {
                tracing::error!(error = %chain(&error), "an export of the record was cut off");
                return cut_off(&sends);
            }
        };
        match tokio::time::timeout(PATIENCE, sends.send(Ok(text.into()))).await {
            Ok(Ok(())) => {}
            // Nobody reads any more, or not fast enough.
            Ok(Err(_)) => return,
            Err(_) => return cut_off(&sends),
        }
        if matches!(going, Going::Done) {
            return;
        }
    }
}

/// Says that what came is not all: the connection is broken off.
fn cut_off(sends: &Sender<io::Result<Bytes>>) {
    let sends = sends.clone();
    tokio::spawn(async move {
        let told = sends.send(Err(io::ErrorKind::BrokenPipe.into()));
        drop(tokio::time::timeout(PATIENCE, told).await);
    });
}

/// What was read and not yet sent.
struct Streamed {
    receives: Receiver<io::Result<Bytes>>,
}

impl http_body::Body for Streamed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.receives.poll_recv(context).map(|read| read.map(|read| read.map(Frame::data)))
    }
}

/// Exchanges read at once.
const PAGE: usize = 1_000;
/// How long a reader may leave a page where it is.
const PATIENCE: Duration = Duration::from_secs(60);
