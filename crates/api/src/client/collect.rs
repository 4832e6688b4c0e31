use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONTENT_LENGTH, RANGE};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tram_dispatch::{AgencyCode, Digest, DispatchId, Status};

use super::connection::{Line, broken};
use super::{Ask, Client, ClientError, unexpected};
use crate::model::{
    ConfirmRequest, InboxEntry, InboxItem, InboxQuery, Page, Recorded, RefuseRequest,
    RegisterRequest, StatusRequest,
};
use crate::routes::{FETCH, media};
use crate::service::Fetched;

/// A document on its way.
pub struct Download {
    /// Bytes that are to come.
    pub bytes: u64,
    body: Incoming,
    _line: Line,
}

impl Download {
    /// The next piece; `None` once all announced bytes came.
    ///
    /// # Errors
    /// [`ClientError::Broken`] if the node breaks off; continue with a later `from`.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        while let Some(frame) = self.body.frame().await {
            if let Ok(piece) = frame.map_err(broken)?.into_data() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }
}

impl Client {
    /// One page of an agency's mailbox; waits as long as the query asks.
    pub async fn inbox(
        &self,
        agency: &AgencyCode,
        query: &InboxQuery,
    ) -> Result<Page<InboxItem>, ClientError> {
        let wait = Duration::from_secs(query.wait_s.unwrap_or(0));
        let ask = Ask::get(&["agencies", agency.as_str(), "inbox"]).query(query)?;
        self.json(ask.waiting(wait)).await
    }

    /// One consigned dispatch.
    pub async fn inbox_entry(
        &self,
        agency: &AgencyCode,
        dispatch: DispatchId,
    ) -> Result<InboxEntry, ClientError> {
        self.json(Ask::get(&entry(agency, &dispatch.to_string(), &[]))).await
    }

    /// Its sealed bytes and the token that confirms them.
    pub async fn fetch(
        &self,
        agency: &AgencyCode,
        dispatch: DispatchId,
    ) -> Result<Fetched, ClientError> {
        let ask = Ask::get(&entry(agency, &dispatch.to_string(), &["dispatch"]));
        let (headers, sealed) = self.whole(ask).await?;
        let token = headers.get(FETCH).and_then(|v| v.to_str().ok());
        let token = token.ok_or_else(|| unexpected("no Tram-Fetch"))?.to_owned();
        Ok(Fetched { sealed, token })
    }

    /// Opens one of its documents, from a byte on.
    pub async fn download(
        &self,
        agency: &AgencyCode,
        dispatch: DispatchId,
        sha256: Digest,
        from: u64,
    ) -> Result<Download, ClientError> {
        let (dispatch, sha256) = (dispatch.to_string(), sha256.to_string());
        self.opened(Ask::get(&entry(agency, &dispatch, &["documents", &sha256])), from).await
    }

    /// Opens what is asked for, from a byte on.
    pub(super) async fn opened(&self, mut ask: Ask, from: u64) -> Result<Download, ClientError> {
        if from > 0 {
            let range = HeaderValue::from_str(&format!("bytes={from}-")).map_err(unexpected)?;
            ask = ask.header(RANGE.as_str(), range);
        }
        let (line, response) = self.open(&ask).await?;
        let length = response.headers().get(CONTENT_LENGTH);
        let bytes = length.and_then(|v| v.to_str().ok()?.parse().ok());
        let bytes = bytes.ok_or_else(|| unexpected("no Content-Length"))?;
        Ok(Download { bytes, body: response.into_body(), _line: line })
    }

    /// Confirms that it is held durably here.
    pub async fn confirm(
        &self,
        agency: &AgencyCode,
        dispatch: DispatchId,
        token: &str,
    ) -> Result<Recorded, ClientError> {
        let request = ConfirmRequest { fetch: token.to_owned() };
        let ask = Ask::post(&entry(agency, &dispatch.to_string(), &["confirm"]));
        self.json(ask.json(&request)?).await
    }

    /// Registers it.
    pub async fn register(
        &self,
        agency: &AgencyCode,
        dispatch: DispatchId,
        remark: Option<String>,
    ) -> Result<Recorded, ClientError> {
        let ask = Ask::post(&entry(agency, &dispatch.to_string(), &["register"]));
        self.json(ask.json(&RegisterRequest { remark })?).await
    }

    /// Says how far it is (`Status::Assigned`, `Processing`, `Completed`), or answers a recall or an update
    /// (`Agreed`, `Declined`).
    pub async fn report(
        &self,
        agency: &AgencyCode,
        dispatch: DispatchId,
        status: Status,
        remark: Option<String>,
    ) -> Result<Recorded, ClientError> {
        let ask = Ask::post(&entry(agency, &dispatch.to_string(), &["status"]));
        self.json(ask.json(&StatusRequest { status: status.into(), remark })?).await
    }

    /// The same under the agency's own seal.
    pub async fn report_sealed(
        &self,
        agency: &AgencyCode,
        dispatch: DispatchId,
        statement: &[u8],
    ) -> Result<Recorded, ClientError> {
        let ask = Ask::post(&entry(agency, &dispatch.to_string(), &["status"]));
        self.json(ask.body(media::STATEMENT, statement.to_vec())).await
    }

    /// Refuses it.
    pub async fn refuse(
        &self,
        agency: &AgencyCode,
        dispatch: DispatchId,
        reason: String,
    ) -> Result<Recorded, ClientError> {
        let ask = Ask::post(&entry(agency, &dispatch.to_string(), &["refuse"]));
        self.json(ask.json(&RefuseRequest { reason, cause: None })?).await
    }

    /// Registers it under the agency's own seal.
    pub async fn register_sealed(
        &self,
        agency: &AgencyCode,
        dispatch: DispatchId,
        statement: &[u8],
    ) -> Result<Recorded, ClientError> {
        let ask = Ask::post(&entry(agency, &dispatch.to_string(), &["register"]));
        self.json(ask.body(media::STATEMENT, statement.to_vec())).await
    }

    /// Returns it, with a reason that has a code of its own.
    pub async fn send_back(
        &self,
        agency: &AgencyCode,
        dispatch: DispatchId,
        request: &RefuseRequest,
    ) -> Result<Recorded, ClientError> {
        let ask = Ask::post(&entry(agency, &dispatch.to_string(), &["refuse"]));
        self.json(ask.json(request)?).await
    }

    /// Refuses it under the agency's own seal.
    pub async fn refuse_sealed(
        &self,
        agency: &AgencyCode,
        dispatch: DispatchId,
        statement: &[u8],
    ) -> Result<Recorded, ClientError> {
        let ask = Ask::post(&entry(agency, &dispatch.to_string(), &["refuse"]));
        self.json(ask.body(media::STATEMENT, statement.to_vec())).await
    }
}

fn entry<'a>(agency: &'a AgencyCode, dispatch: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    let mut segments = vec!["agencies", agency.as_str(), "inbox", dispatch];
    segments.extend(rest);
    segments
}
