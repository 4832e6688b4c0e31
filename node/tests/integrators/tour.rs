use tram_api::model::{InboxQuery, InboxState, SealRequest};
use tram_api::{Client, ClientError};
use tram_dispatch::{AgencyCode, Digest, Status};

pub(crate) async fn tour(
    up: &Client,
    down: &Client,
    pdf: &'static [u8],
    sha256: Digest,
) -> Result<(), ClientError> {
    let (h41, g22) =
        (AgencyCode::parse("H41").expect("a code"), AgencyCode::parse("G22").expect("a code"));
    down.upload_resuming(&h41, sha256, pdf.len() as u64, std::io::Cursor::new(pdf), |_| {}).await?;
    let request = format!(
        r#"{{"originator": "H41", "recipients": ["G22"], "metadata": {{"subject": "Báo cáo"}},
        "documents": [{{"name": "bao-cao.pdf", "media_type": "application/pdf", "sha256": "{sha256}"}}]}}"#
    );
    let request: SealRequest = serde_json::from_str(&request).expect("a request");
    let accepted = down.seal(&"1/BC-rs".parse().expect("a reference"), &request).await?;
    let query =
        InboxQuery { state: Some(InboxState::Waiting), wait_s: Some(20), ..InboxQuery::default() };
    let id = up.inbox(&g22, &query).await?.items[0].dispatch.0;
    let mut download = up.download(&g22, id, sha256, 0).await?;
    while let Some(_piece) = download.next().await? {} // store it durably
    let fetched = up.fetch(&g22, id).await?;
    up.confirm(&g22, id, &fetched.token).await?;
    up.register(&g22, id, Some("Số đến 3".to_owned())).await?;
    while down.track(accepted.dispatch.0).await?.legs[0].status.as_ref().map(|s| *s.status)
        != Some(Status::Accepted)
    {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    Ok(())
}
