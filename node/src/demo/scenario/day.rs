//! The clerk's day in short: statuses, a recall that is agreed to, one that is declined, an update, a
//! replacement, a dispatch that came to the wrong desk, and one to a group with a commune that is hosted.

use tram_api::model::Tracking;
use tram_dispatch::envelope::{Act, Related};
use tram_dispatch::group::Group;
use tram_dispatch::{Code, DispatchId, Status};

use super::Scenario;
use super::desk::{COMMUNE_DESK, Desk, HOSTED_DESK, Row};
use super::mailbox::Sent;
use crate::demo::documents;
use crate::demo::failure::DemoError;
use crate::demo::summary::Summary;
use crate::demo::tiers::{CENTRE, COMMUNE, agency, node};
use crate::demo::wall_now;

/// What the clerk is asked to do, and does.
const FIRST: &str = "17/CT-VD";
/// What is declined to be given back, updated and replaced.
const SECOND: &str = "18/CT-VD";
/// Its update.
const UPDATE: &str = "18b/CT-VD";
/// What replaces it.
const REPLACEMENT: &str = "19/CT-VD";
/// What is meant for somebody else.
const ASTRAY: &str = "20/CT-VD";
/// What goes to every commune of the province.
const TO_ALL: &str = "21/CT-VD";
/// The group, as the envelope names it.
const GROUP: &str = "communes-of:H41";
/// Why a recall is declined.
const DONE_ALREADY: &str = "đã thi hành (ví dụ)";
/// Why a dispatch is returned.
const NOT_OURS: &str = "gửi nhầm, không thuộc thẩm quyền của xã (ví dụ)";

impl Scenario<'_> {
    /// The centre issues, recalls, updates and replaces; the clerks of the communes answer.
    pub(super) async fn day(&self, summary: &mut Summary) -> Result<(), DemoError> {
        self.page.heading(4, "The clerk's day", "Một ngày của văn thư");
        let pdf = documents::directive_pdf(wall_now());
        let mut rows = self.handled_and_recalled(summary, &pdf).await?;
        rows.extend(self.updated_and_replaced(summary, &pdf).await?);
        let astray = self.issue(summary, &pdf, ASTRAY, Act::New).await?;
        rows.push(self.returned(summary, (ASTRAY, astray), COMMUNE_DESK, NOT_OURS).await?);
        let desks = [COMMUNE_DESK, HOSTED_DESK];
        rows.extend(self.to_all(summary, &pdf, &desks).await?);
        self.show_said(&rows);
        let page = self.page;
        page.note(
            format!(
                "{FIRST} was recalled and is given out no more; {REPLACEMENT} replaces {SECOND}"
            ),
            format!("{FIRST} đã thu hồi, không cấp lại nữa; {REPLACEMENT} thay thế {SECOND}"),
        );
        let codes: Vec<&str> = desks.iter().map(|desk| desk.agency).collect();
        let (codes, host) = (codes.join(", "), node(HOSTED_DESK.node));
        let hosted = HOSTED_DESK.agency;
        page.note(
            format!(
                "{TO_ALL} was sealed for {GROUP}: {codes}; {hosted} has no system and is hosted by {host}"
            ),
            format!(
                "{TO_ALL} ký số gửi {GROUP}: {codes}; {hosted} không có hệ thống riêng, do {host} phục vụ"
            ),
        );
        Ok(())
    }

    /// One that is registered, handled and then given back.
    async fn handled_and_recalled(
        &self,
        summary: &mut Summary,
        pdf: &[u8],
    ) -> Result<Vec<Row>, DemoError> {
        let mut rows = Vec::new();
        let first = self.issue(summary, pdf, FIRST, Act::New).await?;
        self.take(COMMUNE, first, &[Sent { name: "chi-thi.pdf", bytes: pdf }], CENTRE).await?;
        let named = (FIRST, first);
        rows.push(self.seen(summary, named, COMMUNE_DESK, Status::Accepted).await?);
        for status in [Status::Assigned, Status::Processing, Status::Completed] {
            rows.push(self.said(summary, named, status, None).await?);
        }
        let recall = self.issue(summary, pdf, "TH/17", Act::Recall(related(FIRST)?)).await?;
        rows.push(self.said(summary, ("TH/17", recall), Status::Agreed, None).await?);
        rows.push(self.seen(summary, named, COMMUNE_DESK, Status::Agreed).await?);
        let given = self.client(COMMUNE)?.fetch(&agency(COMMUNE), first).await;
        if !given.is_err_and(|e| e.code() == Code::WrongState) {
            return Err(DemoError::Wrong(format!("{FIRST} is given out though it was recalled")));
        }
        Ok(rows)
    }

    /// One that is not given back; its update is agreed to, and then it is replaced.
    async fn updated_and_replaced(
        &self,
        summary: &mut Summary,
        pdf: &[u8],
    ) -> Result<Vec<Row>, DemoError> {
        let mut rows = Vec::new();
        let second = self.issue(summary, pdf, SECOND, Act::New).await?;
        let recall = self.issue(summary, pdf, "TH/18", Act::Recall(related(SECOND)?)).await?;
        let why = Some(DONE_ALREADY);
        rows.push(self.said(summary, ("TH/18", recall), Status::Declined, why).await?);
        let update = self.issue(summary, pdf, UPDATE, Act::Update(related(SECOND)?)).await?;
        rows.push(self.said(summary, (UPDATE, update), Status::Agreed, None).await?);
        let replace = Act::Replace(vec![related(SECOND)?]);
        let replacement = self.issue(summary, pdf, REPLACEMENT, replace).await?;
        self.linked(second, replacement).await?;
        Ok(rows)
    }

    /// One to a group: the centre's own system asks its node whom that means today, and seals for these.
    async fn to_all(
        &self,
        summary: &mut Summary,
        pdf: &[u8],
        desks: &[Desk],
    ) -> Result<Vec<Row>, DemoError> {
        let group: Group = GROUP.parse().map_err(|e| DemoError::Wrong(format!("{GROUP}: {e}")))?;
        let meant = self.client(CENTRE)?.recipients(&agency(CENTRE), &[group]).await;
        let meant = self.told(CENTRE, "recipients", meant)?;
        let members: Vec<_> = meant.recipients.iter().map(|r| r.agency.0.clone()).collect();
        if members != desks.iter().map(|desk| agency(desk.agency)).collect::<Vec<_>>() {
            return Err(DemoError::Wrong(format!("{GROUP} means {members:?}")));
        }
        let names = |envelope: &mut tram_dispatch::Envelope| {
            (envelope.recipients, envelope.group) = (members, Some(meant.groups));
        };
        let all = self.send(summary, pdf, TO_ALL, names, desks).await?;
        let mut rows = Vec::new();
        for desk in desks {
            rows.push(self.registered(summary, (TO_ALL, all), *desk).await?);
        }
        Ok(rows)
    }

    /// To the commune, until its node holds it and the centre has the proof.
    async fn issue(
        &self,
        summary: &mut Summary,
        pdf: &[u8],
        reference: &str,
        act: Act,
    ) -> Result<DispatchId, DemoError> {
        self.send(summary, pdf, reference, |envelope| envelope.act = act, &[COMMUNE_DESK]).await
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
