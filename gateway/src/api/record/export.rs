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
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::super::asked::{Asked, Reply};
use super::super::operation::{Access, Cost, Does, Media, Operation, parameter};
use super::super::places::Share;
use super::super::problem::Problem;
use super::super::serve::{blocking, finish};
use super::super::shared::Shared;
use super::search::{filters, query};
use super::{PART, READERS, index, sight, write_down};
use crate::exchange_index::{
    Cursor, Index, IndexError, Query, Sought, Viewer, csv_heading, csv_line, csv_trailer, json_line,
    json_trailer,
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
        answer: Media {
            types: &["text/csv", "application/jsonl"],
            schema: json!({ "type": "string", "description": LEFT_OUT }),
        },
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
    let place = shared.places.exports.room_now(&asked.caller()?.actor.id);
    let place = place.map_err(|busy| busy.after(30))?;
    let headers = asked.headers.clone();
    let sharing = Arc::clone(shared);
    let begun = blocking(move || {
        let query = query(&sharing, &asked)?;
        let viewer = sight(&sharing, &asked.caller()?.actor)?;
        let index = index(&sharing)?;
        write_down(&sharing, &asked, &viewer, Sought::Query(&query))?;
        let personal = Arc::clone(&sharing.personal);
        Ok(Export { index, query, viewer, form, after: None, elsewhere: 0, personal })
    });
    let export = begun.await?;
    let (sends, receives) = mpsc::channel(1);
    tokio::spawn(run(export, sends, place));
    let mut response = finish(Ok(Reply::empty()), &headers);
    *response.status_mut() = StatusCode::OK;
    *response.body_mut() = Body::new(Streamed { receives, ended: false });
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
    /// How many so far fit whose entries are archived.
    elsewhere: usize,
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
        self.elsewhere += page.elsewhere;
        let mut text: String = page.hits.iter().map(|hit| line(hit, &self.personal)).collect();
        if self.after.is_some() {
            return Ok((text, Going::On));
        }
        // D2: what is left out is never left out without a word.
        text.push_str(&match self.form {
            Form::Csv => csv_trailer(self.elsewhere),
            Form::Jsonl => json_trailer(self.elsewhere),
        });
        Ok((text, Going::Done))
    }
}

enum Going {
    On,
    Done,
}

async fn run(mut export: Export, sends: Sender<Piece>, place: Share) {
    // Held until the last page was taken.
    let _place = place;
    if export.form == Form::Csv && !told(&sends, Piece::Text(csv_heading().into())).await {
        return;
    }
    loop {
        let read = tokio::task::spawn_blocking(move || {
            let page = export.page();
            (export, page)
        });
        let Ok((back, page)) = read.await else { return };
        export = back;
        let (text, going) = match page {
            Ok(page) => page,
            Err(error) => {
                tracing::error!(error = %chain(&error), "an export of the record was cut off");
                return;
            }
        };
        if !told(&sends, Piece::Text(text.into())).await {
            return;
        }
        if matches!(going, Going::Done) {
            told(&sends, Piece::End).await;
            return;
        }
    }
}

/// Whether it was taken; else nobody reads any more, or not fast enough.
async fn told(sends: &Sender<Piece>, piece: Piece) -> bool {
    matches!(tokio::time::timeout(PATIENCE, sends.send(piece)).await, Ok(Ok(())))
}

/// What a reader gets. Whatever ends an export before its end is said is an error.
enum Piece {
    Text(Bytes),
    End,
}

/// What was read and not yet sent.
struct Streamed {
    receives: Receiver<Piece>,
    ended: bool,
}

impl http_body::Body for Streamed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        self.receives.poll_recv(context).map(|piece| match piece {
            Some(Piece::Text(text)) => Some(Ok(Frame::data(text))),
            Some(Piece::End) => {
                self.ended = true;
                None
            }
            // The connection is broken off: what came is not all.
            None => Some(Err(io::ErrorKind::BrokenPipe.into())),
        })
    }
}

const LEFT_OUT: &str = "If some fit whose entries are archived, a last line says how many: in JSON lines an object whose only \
     member is `elsewhere`; in CSV a row whose `kind` is `elsewhere` and whose `code` is the number. An export that fails is \
     broken off.";
/// Exchanges read at once.
const PAGE: usize = 1_000;
/// How long a reader may leave a page where it is.
const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    /// D2: half an export is never taken for a whole one.
    #[tokio::test]
    async fn an_export_that_ends_before_its_end_was_said_is_an_error() {
        for (whole, pieces) in
            [(true, vec![Piece::Text("a\n".into()), Piece::End]), (false, vec![Piece::Text("a\n".into())])]
        {
            let (sends, receives) = mpsc::channel(2);
            for piece in pieces {
                assert!(told(&sends, piece).await);
            }
            drop(sends);
            let read = Streamed { receives, ended: false }.collect().await;
            assert_eq!(read.is_ok(), whole);
        }
    }
}
