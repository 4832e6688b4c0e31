use bytes::{Buf, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::connection::{Line, broken};
use super::{Ask, Client, ClientError, unexpected};
use crate::model::{CheckLine, CheckQuery, EventNotice, EventsQuery};

/// Longest line of a stream.
const LINE_BYTES_MAX: usize = 4 << 20;

struct Lines {
    body: Incoming,
    held: BytesMut,
    _line: Line,
}

impl Lines {
    /// The next line without its end; `None` when the node closed the stream.
    async fn next(&mut self) -> Result<Option<BytesMut>, ClientError> {
        loop {
            if let Some(end) = self.held.iter().position(|b| *b == b'\n') {
                let line = self.held.split_to(end);
                self.held.advance(1);
                return Ok(Some(line));
            }
            if self.held.len() > LINE_BYTES_MAX {
                return Err(unexpected("a line without end"));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(frame) => {
                    if let Ok(piece) = frame.map_err(broken)?.into_data() {
                        self.held.extend_from_slice(&piece);
                    }
                }
            }
        }
    }
}

/// The lines of a store check.
pub struct CheckLines(Lines);

impl CheckLines {
    /// The next line; the last is a report or a problem, then `None`.
    ///
    /// # Errors
    /// [`ClientError::Broken`] if the node breaks off.
    pub async fn next(&mut self) -> Result<Option<CheckLine>, ClientError> {
        match self.0.next().await? {
            None => Ok(None),
            Some(line) => serde_json::from_slice(&line).map(Some).map_err(unexpected),
        }
    }
}

/// The evidence events that the caller may see, as they become durable.
pub struct Events(Lines);

impl Events {
    /// The next event; `None` when the node closed the stream: ask again after the last id.
    ///
    /// # Errors
    /// [`ClientError::Broken`] if the node breaks off.
    pub async fn next(&mut self) -> Result<Option<EventNotice>, ClientError> {
        while let Some(line) = self.0.next().await? {
            if let Some(data) = line.strip_prefix(b"data:") {
                return serde_json::from_slice(data).map(Some).map_err(unexpected);
            }
        }
        Ok(None)
    }
}

impl Client {
    /// Checks the whole store while the node runs.
    pub async fn check_store(&self, query: &CheckQuery) -> Result<CheckLines, ClientError> {
        let ask = Ask::post(&["store", "check"]).query(query)?;
        self.lines(ask).await.map(CheckLines)
    }

    /// Listens for evidence events, those after `after` first.
    pub async fn events(&self, after: Option<String>) -> Result<Events, ClientError> {
        let ask = Ask::get(&["events"]).query(&EventsQuery { after })?;
        self.lines(ask).await.map(Events)
    }

    async fn lines(&self, ask: Ask) -> Result<Lines, ClientError> {
        let (line, response) = self.open(&ask).await?;
        Ok(Lines { body: response.into_body(), held: BytesMut::new(), _line: line })
    }
}
