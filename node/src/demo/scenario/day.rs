//! The clerk's day in short: statuses, a recall that is agreed to, one that is declined, a replacement.

use std::time::Instant;

use bytes::Bytes;
use tram_api::model::Tracking;
use tram_dispatch::envelope::{Act, Envelope, Related};
use tram_dispatch::{Code, DispatchId, Event, Status};

use super::Scenario;
use super::mailbox::Sent;
use crate::cli::table::Align;
use crate::demo::documents;
use crate::demo::failure::DemoError;
use crate::demo::summary::Summary;
use crate::demo::tiers::{CENTRE, COMMUNE, agency, node};
use crate::demo::wall_now;

/// What the clerk is asked to do, and does.
const FIRST: &str = "17/CT-VD";
/// What is declined to be given back, and replaced.
const SECOND: &str = "18/CT-VD";
/// What replaces it.
const REPLACEMENT: &str = "19/CT-VD";
/// Why a recall is declined.
const DONE_ALREADY: &str = "đã thi hành (ví dụ)";

/// One line: what was said of which dispatch, and how long it took to the originator.
type Row = Vec<String>;

impl Scenario<'_> {
    /// The centre issues, recalls and replaces; the commune's clerk answers.
    pub(super) async fn day(&self, summary: &mut Summary) -> Result<(), DemoError> {
        let page = self.page;
        page.heading(4, "The clerk's day", "Một ngày của văn thư");
        let mut rows = Vec::new();
        let pdf = documents::directive_pdf(wall_now());
        let first = self.issue(summary, &pdf, FIRST, Act::New).await?;
        self.take(COMMUNE, first, &[Sent { name: "chi-thi.pdf", bytes: &pdf }], CENTRE).await?;
        rows.push(self.seen(summary, FIRST, first, Status::Accepted).await?);
        for status in [Status::Assigned, Status::Processing, Status::Completed] {
            rows.push(self.said(summary, FIRST, first, status, None).await?);
        }

        let recall = self.issue(summary, &pdf, "TH/17", Act::Recall(related(FIRST)?)).await?;
        rows.push(self.said(summary, "TH/17", recall, Status::Agreed, None).await?);
        rows.push(self.seen(summary, FIRST, first, Status::Agreed).await?);
        let given = self.client(COMMUNE)?.fetch(&agency(COMMUNE), first).await;
        if !given.is_err_and(|e| e.code() == Code::WrongState) {
            return Err(DemoError::Wrong(format!("{FIRST} is given out though it was recalled")));
        }

        let second = self.issue(summary, &pdf, SECOND, Act::New).await?;
        let recall = self.issue(summary, &pdf, "TH/18", Act::Recall(related(SECOND)?)).await?;
        let why = Some(DONE_ALREADY);
        rows.push(self.said(summary, "TH/18", recall, Status::Declined, why).await?);
        let replace = Act::Replace(vec![related(SECOND)?]);
        let replacement = self.issue(summary, &pdf, REPLACEMENT, replace).await?;
        self.linked(second, replacement).await?;
        page.table(
            &[
                ("dispatch", "văn bản", Align::Left),
                ("status", "trạng thái", Align::Right),
                ("in words", "nghĩa", Align::Left),
                ("evidence event", "sự kiện bằng chứng", Align::Left),
                ("seen by the centre after", "trung ương thấy sau", Align::Right),
                ("receipt", "biên nhận", Align::Left),
            ],
            rows,
        );
        page.note(
            format!(
                "{FIRST} was recalled and is given out no more; {REPLACEMENT} replaces {SECOND}"
            ),
            format!("{FIRST} đã thu hồi, không cấp lại nữa; {REPLACEMENT} thay thế {SECOND}"),
        );
        Ok(())
    }

    /// Sealed by the centre, until the commune's node holds it and the centre has the proof.
    async fn issue(
        &self,
        summary: &mut Summary,
        pdf: &[u8],
        reference: &str,
        act: Act,
    ) -> Result<DispatchId, DemoError> {
        let now = wall_now();
        let envelope = documents::directive(self.network, pdf, &[], now, reference)?;
        let mut envelope = Envelope { act, ..envelope };
        // A number stands on one document only: the others would come with a warning.
        let number = reference.split_once('/').map(|(number, _)| number);
        let number = number.filter(|number| number.bytes().all(|b| b.is_ascii_digit()));
        envelope.metadata.number = number.map(str::to_owned);
        let seal = &self.network.centre_seal;
        let sealed = crate::sealing::seal(&envelope, &seal.chain, &*seal.key)?;
        let along = [Some(Bytes::copy_from_slice(pdf))];
        let accepted = self.client(CENTRE)?.submit(sealed.raw(), &along).await;
        let id = self.first_answer(&sealed, &self.told(CENTRE, "submit", accepted)?)?;
        summary.dispatches += 1;
        self.wait_for(CENTRE, id, COMMUNE, Event::ContentConsignment).await?;
        summary.consigned += 1;
        Ok(id)
    }

    /// The commune's clerk says so, and the centre sees it.
    async fn said(
        &self,
        summary: &mut Summary,
        reference: &str,
        id: DispatchId,
        status: Status,
        remark: Option<&str>,
    ) -> Result<Row, DemoError> {
        let remark = remark.map(str::to_owned);
        let commune = self.client(COMMUNE)?;
        let reported = commune.report(&agency(COMMUNE), id, status, remark).await;
        self.told(COMMUNE, "report", reported)?;
        self.seen(summary, reference, id, status).await
    }

    /// Waits until the centre's node shows this status, by evidence of the commune's.
    async fn seen(
        &self,
        summary: &mut Summary,
        reference: &str,
        id: DispatchId,
        status: Status,
    ) -> Result<Row, DemoError> {
        let commune = node(COMMUNE);
        let began = Instant::now();
        let tracking = |found: &Tracking| {
            let standing = found.legs.first().and_then(|leg| leg.status.as_ref());
            let told = standing.is_some_and(|s| s.status.0 == status);
            let evidence = found.evidence.iter().rev();
            let mut by = evidence.filter(|e| e.node.0 == commune && e.authorised);
            let event = by.find(|e| e.status.is_some_and(|s| s.0 == status)).cloned();
            event.filter(|_| told)
        };
        let event = self.until(CENTRE, id, || format!("{status} of {reference}"), tracking).await?;
        summary.statuses_seen += 1;
        Ok(vec![
            reference.to_owned(),
            format!("{:02}", status.number()),
            status.word().to_owned(),
            self.page.pick(event.event.0.name(), event.event.0.name_vi()).to_owned(),
            format!("{} ms", began.elapsed().as_millis()),
            event.receipt.0.short(),
        ])
    }

    /// Waits until the centre's node shows that one dispatch replaces the other.
    async fn linked(&self, earlier: DispatchId, later: DispatchId) -> Result<(), DemoError> {
        let link = |t: &Tracking| t.acts.iter().any(|a| a.dispatch.0 == later).then_some(());
        self.until(CENTRE, earlier, || format!("the replacement of {SECOND}"), link).await
    }
}

fn related(reference: &str) -> Result<Related, DemoError> {
    let reference = documents::named(reference)?;
    Ok(Related { originator: agency(CENTRE), reference, dispatch: None })
}
