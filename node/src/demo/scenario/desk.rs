//! What a clerk says of a dispatch, and how the centre sees it.

use std::time::Instant;

use bytes::Bytes;
use tram_api::model::{LegView, RefusalCause, RefuseRequest, Tracking};
use tram_dispatch::envelope::Envelope;
use tram_dispatch::{DispatchId, Event, Status};

use super::Scenario;
use crate::cli::table::Align;
use crate::demo::documents;
use crate::demo::failure::DemoError;
use crate::demo::summary::Summary;
use crate::demo::tiers::{CENTRE, COMMUNE, DISTRICT, HOSTED, agency, node};
use crate::demo::wall_now;

/// A clerk's desk: the agency, and the node that holds its mailbox.
#[derive(Clone, Copy)]
pub(super) struct Desk {
    pub(super) agency: &'static str,
    pub(super) node: &'static str,
}

/// The commune's, at its own node.
pub(super) const COMMUNE_DESK: Desk = Desk { agency: COMMUNE, node: COMMUNE };
/// The hosted commune's, at the district's node.
pub(super) const HOSTED_DESK: Desk = Desk { agency: HOSTED, node: DISTRICT };

/// A dispatch, as the demo names it.
pub(super) type Named<'a> = (&'a str, DispatchId);

/// One line: what was said of which dispatch, and how long it took to the originator; then why.
pub(super) type Row = (Vec<String>, Option<String>);

impl Scenario<'_> {
    /// Sealed by the centre's own system, until its node has the proof that every recipient's holds it.
    pub(super) async fn send(
        &self,
        summary: &mut Summary,
        pdf: &[u8],
        reference: &str,
        alter: impl FnOnce(&mut Envelope),
        to: &[Desk],
    ) -> Result<DispatchId, DemoError> {
        let now = wall_now();
        let mut envelope = documents::directive(self.network, pdf, &[], now, reference)?;
        envelope.recipients = to.iter().map(|desk| agency(desk.agency)).collect();
        // A number stands on one document only: the others would come with a warning.
        let number = reference.split_once('/').map(|(number, _)| number);
        let number = number.filter(|number| number.bytes().all(|b| b.is_ascii_digit()));
        envelope.metadata.number = number.map(str::to_owned);
        alter(&mut envelope);
        let seal = &self.network.centre_seal;
        let sealed = crate::sealing::seal(&envelope, &seal.chain, &*seal.key)?;
        let along = [Some(Bytes::copy_from_slice(pdf))];
        let accepted = self.client(CENTRE)?.submit(sealed.raw(), &along).await;
        let id = self.first_answer(&sealed, &self.told(CENTRE, "submit", accepted)?)?;
        summary.dispatches += 1;
        for desk in to {
            let consigned = Event::ContentConsignment;
            self.evidence(CENTRE, id, desk.node, desk.agency, consigned).await?;
            summary.consigned += 1;
        }
        Ok(id)
    }

    /// The clerk fetches it and confirms that it is there.
    pub(super) async fn open(&self, desk: Desk, id: DispatchId) -> Result<(), DemoError> {
        let (client, recipient) = (self.client(desk.node)?, agency(desk.agency));
        let fetched = self.told(desk.node, "fetch", client.fetch(&recipient, id).await)?;
        let confirmed = client.confirm(&recipient, id, &fetched.token).await;
        self.told(desk.node, "confirm", confirmed).map(drop)
    }

    /// The clerk enters it in the register, and the centre sees it.
    pub(super) async fn registered(
        &self,
        summary: &mut Summary,
        named: Named<'_>,
        desk: Desk,
    ) -> Result<Row, DemoError> {
        self.open(desk, named.1).await?;
        let registered =
            self.client(desk.node)?.register(&agency(desk.agency), named.1, None).await;
        self.told(desk.node, "register", registered)?;
        self.seen(summary, named, desk, Status::Accepted).await
    }

    /// The clerk sends it back: it is meant for somebody else. The centre sees that, and why.
    pub(super) async fn returned(
        &self,
        summary: &mut Summary,
        named: Named<'_>,
        desk: Desk,
        why: &str,
    ) -> Result<Row, DemoError> {
        self.open(desk, named.1).await?;
        let request =
            RefuseRequest { reason: why.to_owned(), cause: Some(RefusalCause::WrongAddressee) };
        let (client, recipient) = (self.client(desk.node)?, agency(desk.agency));
        let refused = client.send_back(&recipient, named.1, &request).await;
        self.told(desk.node, "refuse", refused)?;
        self.seen(summary, named, desk, Status::Refused).await
    }

    /// The commune's clerk says so, and the centre sees it.
    pub(super) async fn said(
        &self,
        summary: &mut Summary,
        named: Named<'_>,
        status: Status,
        remark: Option<&str>,
    ) -> Result<Row, DemoError> {
        let (desk, remark) = (COMMUNE_DESK, remark.map(str::to_owned));
        let client = self.client(desk.node)?;
        let reported = client.report(&agency(desk.agency), named.1, status, remark).await;
        self.told(desk.node, "report", reported)?;
        self.seen(summary, named, desk, status).await
    }

    /// Waits until the centre's node shows this status, by evidence of the recipient's node.
    pub(super) async fn seen(
        &self,
        summary: &mut Summary,
        (reference, id): Named<'_>,
        desk: Desk,
        status: Status,
    ) -> Result<Row, DemoError> {
        let (issuer, recipient) = (node(desk.node), agency(desk.agency));
        let began = Instant::now();
        let tracking = |found: &Tracking| {
            let leg = found.legs.iter().find(|leg| leg.recipient.0 == recipient)?;
            let told = leg.status.as_ref().is_some_and(|s| s.status.0 == status);
            let evidence = found.evidence.iter().rev();
            let mut by = evidence.filter(|e| e.node.0 == issuer && e.authorised);
            let event = by.find(|e| {
                e.status.is_some_and(|s| s.0 == status)
                    && e.recipient.as_ref().is_some_and(|r| r.0 == recipient)
            });
            event.filter(|_| told).map(|event| (event.clone(), why(leg, status)))
        };
        let what = || format!("{status} of {reference} by {}", desk.agency);
        let (event, why) = self.until(CENTRE, id, what, tracking).await?;
        summary.statuses_seen += 1;
        let cells = vec![
            reference.to_owned(),
            desk.agency.to_owned(),
            format!("{:02}", status.number()),
            status.word().to_owned(),
            self.page.pick(event.event.0.name(), event.event.0.name_vi()).to_owned(),
            format!("{} ms", began.elapsed().as_millis()),
            event.receipt.0.short(),
        ];
        Ok((cells, why))
    }

    /// Shows what was said, each with its reason.
    pub(super) fn show_said(&self, rows: &[Row]) {
        let rows = rows.iter().map(|(cells, why)| (cells.clone(), why.as_deref())).collect();
        self.page.table_with_reasons(
            &[
                ("dispatch", "văn bản", Align::Left),
                ("clerk of", "văn thư", Align::Left),
                ("status", "trạng thái", Align::Right),
                ("in words", "nghĩa", Align::Left),
                ("evidence event", "sự kiện bằng chứng", Align::Left),
                ("seen by the centre after", "trung ương thấy sau", Align::Right),
                ("receipt", "biên nhận", Align::Left),
            ],
            rows,
        );
    }
}

/// Why a clerk says no, in the clerk's words; of a return the code of the reason as well.
fn why(leg: &LegView, status: Status) -> Option<String> {
    let words = leg.remark.as_ref().or_else(|| leg.status.as_ref()?.remark.as_ref())?;
    match (status, &leg.code) {
        (Status::Refused, Some(code)) => Some(format!("{}: {words}", code.0)),
        (Status::Refused | Status::Declined, _) => Some(words.clone()),
        _ => None,
    }
}
