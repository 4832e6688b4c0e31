use axum::body::Body;
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderValue, Method};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncSeek, AsyncSeekExt};
use tram_dispatch::{AgencyCode, Code, Digest, DispatchId, Reference};

use super::{Ask, Client, ClientError, unexpected};
use crate::channel::ChannelBody;
use crate::limits::READ_BYTES;
use crate::model::{
    Accepted, DispatchQuery, DispatchSummary, Page, SealRequest, Tracking, UploadQuery,
    UploadState, UploadStateQuery,
};
use crate::routes::{IDEMPOTENCY_KEY, UPLOAD_COMPLETE, UPLOAD_OFFSET, media};
use crate::server::UPLOADED;

impl Client {
    /// How many bytes of a document the node holds, and whether that is all; `None` where it
    /// holds nothing of it.
    pub async fn upload_state(
        &self,
        agency: &AgencyCode,
        sha256: Digest,
    ) -> Result<Option<(u64, bool)>, ClientError> {
        let ask = Ask::new(Method::HEAD, &["documents", &sha256.to_string()])
            .query(&UploadStateQuery { agency: agency.clone().into() })?;
        let headers = match self.whole(ask).await {
            Ok((headers, _)) => headers,
            Err(error) if error.code() == Code::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let offset = headers.get(UPLOAD_OFFSET).and_then(|v| v.to_str().ok()?.parse().ok());
        let offset = offset.ok_or_else(|| unexpected("no Upload-Offset"))?;
        Ok(Some((offset, headers.get(UPLOAD_COMPLETE).is_some_and(|v| v == "?1"))))
    }

    /// Uploads a document from `offset` on; `rest` gives the bytes from there. `progress` hears
    /// how many bytes have been handed over in all.
    pub async fn upload(
        &self,
        agency: &AgencyCode,
        sha256: Digest,
        size: u64,
        offset: u64,
        rest: impl AsyncRead + Send + Unpin + 'static,
        progress: impl FnMut(u64) + Send + 'static,
    ) -> Result<UploadState, ClientError> {
        let length = size.saturating_sub(offset);
        let ask = Ask::new(Method::PUT, &["documents", &sha256.to_string()])
            .query(&UploadQuery { agency: agency.clone().into(), size, offset })?
            .body(media::BYTES, Bytes::new());
        let (sender, body) = ChannelBody::new(Some(length));
        let pump = tokio::spawn(pump(rest.take(length), offset, size, sender, progress));
        let answer = self.stream(ask, Body::new(body)).await;
        match answer {
            Ok((_, body)) => serde_json::from_slice(&body).map_err(unexpected),
            // If reading the input failed, that is the cause and the broken connection only the
            // consequence.
            Err(error @ ClientError::Broken(_)) => match pump.await {
                Ok(Err(input)) => Err(ClientError::Input(input)),
                _ => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Uploads a document, continuing where an earlier try was cut.
    pub async fn upload_resuming(
        &self,
        agency: &AgencyCode,
        sha256: Digest,
        size: u64,
        mut file: impl AsyncRead + AsyncSeek + Send + Unpin + 'static,
        progress: impl FnMut(u64) + Send + 'static,
    ) -> Result<UploadState, ClientError> {
        let held = self.upload_state(agency, sha256).await?;
        let (offset, complete) = held.unwrap_or((0, false));
        if complete {
            let sha256 = sha256.into();
            return Ok(UploadState { sha256, size, offset, complete, created: false });
        }
        file.seek(std::io::SeekFrom::Start(offset)).await.map_err(ClientError::Input)?;
        self.upload(agency, sha256, size, offset, file, progress).await
    }

    /// Submits a sealed dispatch. `documents` in the order of the envelope, `None` for one that
    /// was uploaded before; empty where all were.
    pub async fn submit(
        &self,
        sealed: &[u8],
        documents: &[Option<Bytes>],
    ) -> Result<Accepted, ClientError> {
        let ask = Ask::post(&["dispatches"]);
        if documents.is_empty() {
            return self.json(ask.body(media::SEALED, sealed.to_vec())).await;
        }
        let length = u32::try_from(sealed.len()).map_err(unexpected)?;
        let mut body = BytesMut::new();
        body.put_u32(length);
        body.put_slice(sealed);
        for document in documents {
            match document {
                Some(bytes) => {
                    body.put_u64(bytes.len() as u64);
                    body.put_slice(bytes);
                }
                None => body.put_u64(UPLOADED),
            }
        }
        self.json(ask.body(media::SUBMISSION, body.freeze())).await
    }

    /// Has the node seal and submit; the documents were uploaded before.
    pub async fn seal(
        &self,
        reference: &Reference,
        request: &SealRequest,
    ) -> Result<Accepted, ClientError> {
        let key = HeaderValue::from_bytes(reference.as_str().as_bytes()).map_err(unexpected)?;
        let ask = Ask::post(&["dispatches"]).json(request)?.header(IDEMPOTENCY_KEY, key);
        self.json(ask).await
    }

    /// All about one dispatch.
    pub async fn track(&self, dispatch: DispatchId) -> Result<Tracking, ClientError> {
        self.json(Ask::get(&["dispatches", &dispatch.to_string()])).await
    }

    /// One page of dispatches.
    pub async fn dispatches(
        &self,
        query: &DispatchQuery,
    ) -> Result<Page<DispatchSummary>, ClientError> {
        self.json(Ask::get(&["dispatches"]).query(query)?).await
    }
}

async fn pump(
    mut rest: impl AsyncRead + Unpin,
    mut done: u64,
    size: u64,
    sender: tokio::sync::mpsc::Sender<Result<Bytes, crate::channel::Cut>>,
    mut progress: impl FnMut(u64),
) -> std::io::Result<()> {
    loop {
        let mut piece = BytesMut::with_capacity(READ_BYTES);
        let read = match rest.read_buf(&mut piece).await {
            Ok(0) if done == size => return Ok(()),
            Ok(0) => Err(std::io::ErrorKind::UnexpectedEof.into()),
            other => other,
        };
        match read {
            Ok(n) => done += n as u64,
            Err(error) => {
                // Breaks the request off, so that the node does not wait for the rest.
                let _ = sender.send(Err("the input cannot be read".into())).await;
                return Err(error);
            }
        }
        if sender.send(Ok(piece.freeze())).await.is_err() {
            return Ok(());
        }
        progress(done);
    }
}
