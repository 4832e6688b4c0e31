//! What the demo does with the running nodes, step by step, and what it says about it.

mod day;
mod desk;
mod evidence;
mod follow;
mod mailbox;
mod receipts;
mod refusals;
mod rollback;
mod suggest;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tram_api::model::{Accepted, StatusView};
use tram_api::{Client, ClientError};
use tram_dispatch::{DispatchId, Event};
use tram_wire::SealedDispatch;

use super::documents::{self, digest};
use super::failure::DemoError;
use super::network::{DemoNode, Network};
use super::page::Page;
use super::processes::Processes;
use super::summary::Summary;
use super::tiers::{CENTRE, COMMUNE, DISTRICT, PROVINCE, TIERS, agency};
use super::wall_now;
use crate::cli::table::Align;
use mailbox::Sent;

/// Longest wait for anything that the nodes must do.
const WAIT: Duration = Duration::from_secs(20);
/// Pause between two questions.
const POLL: Duration = Duration::from_millis(3);

/// The way down, and the two ways of the answer.
const DOWN: [&str; 4] = [CENTRE, PROVINCE, DISTRICT, COMMUNE];
const UP_TO_PROVINCE: [&str; 3] = [COMMUNE, DISTRICT, PROVINCE];
const UP_TO_CENTRE: [&str; 4] = [COMMUNE, DISTRICT, PROVINCE, CENTRE];

/// The nodes as their clients see them.
pub(super) struct Scenario<'n> {
    network: &'n Network,
    page: Page,
    clients: BTreeMap<&'static str, Client>,
    /// The directive, once it is on its way.
    directive: Cell<Option<DispatchId>>,
}

/// Says what is going to happen, and where.
pub(super) fn introduce(page: Page, folder: &Path) {
    page.line(page.pick(
        "Trạm demo: a country of four tiers on this machine.",
        "Trình diễn Trạm: bốn cấp hành chính trên máy này.",
    ));
    let folder = folder.display();
    page.line(page.pick(
        format!("Four `tram run` processes over QUIC on 127.0.0.1; everything in {folder}"),
        format!("Bốn tiến trình `tram run` qua QUIC trên 127.0.0.1; mọi thứ ở {folder}"),
    ));
}

impl<'n> Scenario<'n> {
    pub(super) fn new(network: &'n Network, page: Page) -> Self {
        let client = |n: &DemoNode| Client::new(&n.socket).language(page.language());
        let clients = network.nodes.iter().map(|n| (n.tier.code, client(n))).collect();
        Scenario { network, page, clients, directive: Cell::new(None) }
    }

    /// All steps; what is only counted as wrong does not stop them.
    pub(super) async fn play(&self, processes: &mut Processes) -> Result<Summary, DemoError> {
        let mut summary = Summary::default();
        let views = processes.ready(&self.network.nodes).await?;
        summary.tiers = views.len() as u32;
        self.show_network(&views);
        let directive = self.directive(&mut summary).await?;
        processes.alive()?;
        let answer = self.answer(&mut summary, directive).await?;
        processes.alive()?;
        self.day(&mut summary).await?;
        processes.alive()?;
        self.page.heading(
            5,
            "Every receipt, verified offline from exported files",
            "Mọi biên nhận, kiểm chứng ngoại tuyến từ tệp đã xuất",
        );
        self.verify_receipts(&mut summary, directive, answer).await?;
        self.evidence_file(directive).await?;
        self.refusals(&mut summary).await?;
        processes.alive()?;
        self.rollback(&mut summary, processes).await?;
        processes.alive()?;
        Ok(summary)
    }

    fn show_network(&self, views: &[StatusView]) {
        let page = self.page;
        page.heading(1, "The network", "Mạng lưới");
        page.note(
            "Certificate authorities: root → centre → province → district → commune.",
            "Các CA: gốc → trung ương → tỉnh → huyện → xã.",
        );
        page.note(
            "From the province down, each may certify nothing outside its own subtree.",
            "Từ tỉnh trở xuống, mỗi CA chỉ được cấp chứng thư trong nhánh của mình.",
        );
        page.note(
            "G22 is an example code: no real ministry is meant.",
            "G22 là mã ví dụ, không chỉ cơ quan có thật nào.",
        );
        let rows = self.network.nodes.iter().zip(views).map(|(node, view)| {
            vec![
                page.pick(node.tier.word, node.tier.word_vi).to_owned(),
                node.tier.code.to_owned(),
                node.id.to_string(),
                node.listen.map_or_else(|| "—".to_owned(), |a| a.to_string()),
                view.peers_connected.to_string(),
                node.tier.name.to_owned(),
            ]
        });
        page.table(
            &[
                ("tier", "cấp", Align::Left),
                ("code", "mã", Align::Left),
                ("node", "nút", Align::Left),
                ("listens (UDP)", "nghe (UDP)", Align::Left),
                ("sessions", "phiên", Align::Right),
                ("agency", "cơ quan", Align::Left),
            ],
            rows.collect(),
        );
    }

    /// The directive goes down to the commune, which takes and registers it.
    async fn directive(&self, summary: &mut Summary) -> Result<DispatchId, DemoError> {
        let page = self.page;
        page.heading(
            2,
            "A directive from the centre to the commune",
            "Chỉ thị từ trung ương xuống xã",
        );
        let now = wall_now();
        let (pdf, appendix) = (documents::directive_pdf(now), documents::appendix());
        let reference = documents::DIRECTIVE_REFERENCE;
        let envelope = documents::directive(self.network, &pdf, &appendix, now, reference)?;
        let seal = &self.network.centre_seal;
        let sealed = crate::sealing::seal(&envelope, &seal.chain, &*seal.key)?;
        page.note(
            format!(
                "{reference} \"{}\", sealed by the agency's own key",
                documents::DIRECTIVE_SUBJECT
            ),
            format!(
                "{reference} \"{}\", ký số bằng khóa của cơ quan",
                documents::DIRECTIVE_SUBJECT
            ),
        );
        let bytes = pdf.len() + appendix.len();
        page.note(
            format!(
                "2 documents, {bytes} bytes: a PDF that rides along, an appendix taken by digest"
            ),
            format!("2 văn bản, {bytes} byte: PDF đi kèm, phụ lục lấy theo mã băm"),
        );
        let centre = self.client(CENTRE)?;
        let (sha256, size) = (digest(&appendix), appendix.len() as u64);
        let upload = centre
            .upload(
                &agency(CENTRE),
                sha256,
                size,
                0,
                std::io::Cursor::new(appendix.clone()),
                |_| {},
            )
            .await;
        self.told(CENTRE, "upload", upload)?;

        let began = Instant::now();
        let along = [Some(Bytes::from(pdf.clone())), None];
        let accepted = self.told(CENTRE, "submit", centre.submit(sealed.raw(), &along).await)?;
        summary.dispatches += 1;
        let id = self.first_answer(&sealed, &accepted)?;
        self.directive.set(Some(id));
        let hops = self.follow(id, &DOWN, COMMUNE).await?;
        self.wait_for(CENTRE, id, COMMUNE, Event::ContentConsignment).await?;
        let back = began.elapsed();
        summary.consigned += 1;
        self.show_hops(id, &[(COMMUNE, hops)]);
        self.show_back(CENTRE, back);

        // A program that lost the answer asks again, and gets the first one.
        let again = self.told(CENTRE, "submit", centre.submit(sealed.raw(), &along).await)?;
        if !again.repeat || again.receipt != accepted.receipt {
            let what = "a repeated submission did not get the first answer";
            return Err(DemoError::Wrong(what.to_owned()));
        }
        page.note(
            "handed in a second time: the first answer again, no second dispatch",
            "nộp lại lần hai: nhận đúng câu trả lời đầu, không tạo gói mới",
        );
        let sent = [
            Sent { name: "chi-thi.pdf", bytes: &pdf },
            Sent { name: "phu-luc.csv", bytes: &appendix },
        ];
        self.take(COMMUNE, id, &sent, CENTRE).await?;
        self.wait_for(CENTRE, id, COMMUNE, Event::ConsignmentAcceptance).await?;
        Ok(id)
    }

    /// The commune's answer goes up to two recipients.
    async fn answer(
        &self,
        summary: &mut Summary,
        directive: DispatchId,
    ) -> Result<DispatchId, DemoError> {
        let page = self.page;
        page.heading(
            3,
            "The commune's answer, upwards to two recipients",
            "Báo cáo của xã, gửi lên hai nơi nhận",
        );
        let now = wall_now();
        let pdf = documents::answer_pdf(now);
        let reference = documents::ANSWER_REFERENCE;
        page.note(
            format!(
                "{reference} \"{}\", sealed by the commune's node for its clerk",
                documents::ANSWER_SUBJECT
            ),
            format!(
                "{reference} \"{}\", nút của xã ký số thay cho văn thư",
                documents::ANSWER_SUBJECT
            ),
        );
        let commune = self.client(COMMUNE)?;
        let (sha256, size) = (digest(&pdf), pdf.len() as u64);
        let upload = commune
            .upload(&agency(COMMUNE), sha256, size, 0, std::io::Cursor::new(pdf.clone()), |_| {})
            .await;
        self.told(COMMUNE, "upload", upload)?;
        let request = documents::answer(&pdf, now, directive)?;
        let began = Instant::now();
        let sealed = commune.seal(&documents::named(reference)?, &request).await;
        let accepted = self.told(COMMUNE, "seal and submit", sealed)?;
        summary.dispatches += 1;
        let id = accepted.dispatch.0;
        let province = self.follow(id, &UP_TO_PROVINCE, PROVINCE).await?;
        let centre = self.follow(id, &UP_TO_CENTRE, CENTRE).await?;
        for recipient in [PROVINCE, CENTRE] {
            self.wait_for(COMMUNE, id, recipient, Event::ContentConsignment).await?;
            summary.consigned += 1;
        }
        let back = began.elapsed();
        self.show_hops(id, &[(PROVINCE, province), (CENTRE, centre)]);
        self.show_back(COMMUNE, back);
        let sent = [Sent { name: "bao-cao.pdf", bytes: &pdf }];
        for recipient in [PROVINCE, CENTRE] {
            self.take(recipient, id, &sent, COMMUNE).await?;
            self.wait_for(COMMUNE, id, recipient, Event::ConsignmentAcceptance).await?;
        }
        Ok(id)
    }

    /// What the node accepted is what was sealed.
    fn first_answer(
        &self,
        sealed: &SealedDispatch,
        accepted: &Accepted,
    ) -> Result<DispatchId, DemoError> {
        let id = accepted.dispatch.0;
        if id != sealed.id() || accepted.repeat {
            let what = "the node accepted something else than what was handed in";
            return Err(DemoError::Wrong(what.to_owned()));
        }
        Ok(id)
    }

    fn client(&self, code: &str) -> Result<&Client, DemoError> {
        let found = self.clients.get(code);
        found.ok_or_else(|| DemoError::Wrong(format!("no node of {code} in the demo")))
    }

    /// Names node and question in what went wrong with a call.
    fn told<T>(
        &self,
        code: &str,
        doing: &'static str,
        answer: Result<T, ClientError>,
    ) -> Result<T, DemoError> {
        answer.map_err(|error| {
            let node =
                self.network.node(code).map_or_else(|_| code.to_owned(), |n| n.id.to_string());
            DemoError::Call { node, doing, error }
        })
    }

    /// What the tier of a code is called.
    fn tier_word(&self, code: &str) -> &'static str {
        let tier = TIERS.iter().find(|t| t.code == code);
        tier.map_or("", |t| self.page.pick(t.word, t.word_vi))
    }
}
