//! Receipts, the log they are in, and numbers.

use super::*;

impl Fake {
    pub(super) fn receipts(
        &self,
        _: Caller,
        query: ReceiptQuery,
        _scope: Scope,
    ) -> Reply<'_, Page<ReceiptView>> {
        Box::pin(async move {
            let state = self.lock();
            let wanted = |i: &&Item| query.dispatch.is_none_or(|d| d.0 == i.id);
            let all = state.items.iter().filter(wanted).flat_map(|i| {
                let one = |r| receipt(i, Some(r), Event::ContentConsignment);
                let first = receipt(i, None, Event::SubmissionAcceptance);
                std::iter::once(first).chain(i.recipients.iter().map(one)).collect::<Vec<_>>()
            });
            Ok(page(all.collect(), query.after.as_deref(), query.limit))
        })
    }

    pub(super) fn evidence(
        &self,
        _: Caller,
        _: DispatchId,
        query: EvidenceQuery,
    ) -> Reply<'_, Bytes> {
        Box::pin(async move {
            let what: &[u8] = if query.documents { b"evidence, documents" } else { b"evidence" };
            Ok(Bytes::from_static(what))
        })
    }

    pub(super) fn log_head(&self, _: Caller) -> Reply<'_, LogHead> {
        Box::pin(async move {
            Ok(LogHead {
                network: tram_dispatch::NetworkId([9; 32]).into(),
                node: Self::node().into(),
                epoch: tram_dispatch::EpochId([4; 32]).into(),
                size: 2,
                root: Digest([5; 32]).into(),
                at: NOW.into(),
                checkpoint: "n1.H41\n2\nBQUF\n\n— n1 sig\n".into(),
            })
        })
    }

    pub(super) fn log_anchor(&self, _: Caller) -> Reply<'_, LogAnchor> {
        Box::pin(async move {
            Ok(LogAnchor {
                node: Self::node().into(),
                epoch: tram_dispatch::EpochId([4; 32]).into(),
                signing: true,
                code: None,
                said: None,
                anchored_by: None,
                file: "/anchor/n1.H41.anchor".into(),
            })
        })
    }

    pub(super) fn override_anchor(&self, _: Caller, request: AnchorRequest) -> Reply<'_, Anchored> {
        Box::pin(async move { Ok(Anchored { receipt: Base64(request.reason.into_bytes()) }) })
    }

    pub(super) fn log_timestamps(&self, _: Caller) -> Reply<'_, LogTimeStamps> {
        Box::pin(async move {
            Ok(LogTimeStamps {
                node: Self::node().into(),
                epoch: tram_dispatch::EpochId([4; 32]).into(),
                size: 2,
                standing: None,
                stamps: vec![],
            })
        })
    }

    pub(super) fn log_witnesses(&self, _: Caller) -> Reply<'_, LogWitnesses> {
        Box::pin(async move {
            Ok(LogWitnesses {
                node: Self::node().into(),
                epoch: tram_dispatch::EpochId([4; 32]).into(),
                size: 2,
                checkpoint: "n1.H41\n2\nBQUF\n\n— n1 sig\n".into(),
                by_position: true,
                policy: "quorum none\n".into(),
                reached: true,
                missing: vec![],
                quorum: None,
                witnesses: vec![],
            })
        })
    }

    pub(super) fn log_entries(&self, _: Caller, query: EntriesQuery) -> Reply<'_, Bytes> {
        let entry = [&[0, 32][..], &[query.index as u8; 32]].concat();
        Box::pin(async move { Ok(entry.repeat(query.width).into()) })
    }

    pub(super) fn inclusion(&self, _: Caller, query: InclusionQuery) -> Reply<'_, Inclusion> {
        Box::pin(async move {
            Ok(Inclusion {
                epoch: tram_dispatch::EpochId([4; 32]).into(),
                index: query.index,
                size: query.size,
                leaf: Digest([6; 32]).into(),
                root: Digest([5; 32]).into(),
                path: vec![Digest([7; 32]).into()],
            })
        })
    }

    pub(super) fn consistency(&self, _: Caller, query: ConsistencyQuery) -> Reply<'_, Consistency> {
        Box::pin(async move {
            Ok(Consistency {
                epoch: tram_dispatch::EpochId([4; 32]).into(),
                old: query.old,
                new: query.new,
                old_root: Digest([5; 32]).into(),
                new_root: Digest([6; 32]).into(),
                path: vec![],
            })
        })
    }

    pub(super) fn gaps(&self, _: Caller, query: GapsQuery) -> Reply<'_, GapsReport> {
        Box::pin(async move {
            let gap = Gap {
                number: query.from.unwrap_or(1),
                class: GapClass::NeverSeen,
                since: NOW.into(),
                code: None,
                detail: None,
                dispatch: None,
                receipt: None,
                statement: None,
                proof: None,
            };
            Ok(GapsReport {
                agency: query.agency,
                node: Self::node().into(),
                epoch: tram_dispatch::EpochId([4; 32]).into(),
                at: NOW.into(),
                grace_s: query.grace_s.unwrap_or(86_400),
                numberings: vec![Numbering {
                    series: query.series,
                    newest: 2,
                    present: 1,
                    repeated: Vec::new(),
                    gaps: vec![gap],
                    next: None,
                }],
                more_series: false,
            })
        })
    }

    pub(super) fn void(
        &self,
        _: Caller,
        agency: AgencyCode,
        sequence: Sequence,
        said: Said<VoidRequest>,
    ) -> Reply<'_, Voided> {
        let Sequence { series, number } = sequence;
        let statement = match said {
            Said::Words(request) => request.reason.into_bytes(),
            Said::Sealed(bytes) => bytes.to_vec(),
        };
        Box::pin(async move {
            let (agency, receipt) = (agency.into(), Base64(vec![1]));
            Ok(Voided { agency, series, number, statement: Base64(statement), receipt })
        })
    }

    pub(super) fn genesis(&self, _: Caller) -> Reply<'_, GenesisView> {
        Box::pin(async move {
            Ok(GenesisView {
                node: Self::node().into(),
                epoch: tram_dispatch::EpochId([4; 32]).into(),
                started_at: NOW.into(),
                genesis: Base64(vec![1]),
                receipt_key: Base64(vec![2]),
                checkpoint_key: Base64(vec![3]),
            })
        })
    }
}

fn receipt(item: &Item, recipient: Option<&AgencyCode>, event: Event) -> ReceiptView {
    ReceiptView {
        digest: Digest([3; 32]).into(),
        event: event.into(),
        dispatch: item.id.into(),
        originator: item.originator.clone().into(),
        recipient: recipient.cloned().map(Into::into),
        node: Fake::node().into(),
        epoch: tram_dispatch::EpochId([4; 32]).into(),
        index: 1,
        tree_size: 2,
        at: NOW.into(),
        code: None,
        remark: None,
        authorised: true,
        raw: Base64(vec![0x83, 1, 2, 3]),
    }
}
