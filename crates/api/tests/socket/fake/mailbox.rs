//! The mailbox: listed, fetched, answered.

use super::*;

impl Fake {
    fn record(
        &self,
        agency: AgencyCode,
        id: DispatchId,
        to: InboxState,
        event: Event,
    ) -> Result<Recorded, Problem> {
        self.mine(&agency, id)?;
        let mut state = self.lock();
        let item = state.items.iter_mut().find(|i| i.id == id).unwrap();
        let repeat = item.state == to;
        item.state = to;
        Ok(Recorded {
            dispatch: id.into(),
            recipient: agency.into(),
            event: event.into(),
            at: NOW.into(),
            receipt: Base64(event.name().into()),
            repeat,
            statement: None,
        })
    }

    pub(super) fn inbox(
        &self,
        _: Caller,
        agency: AgencyCode,
        query: InboxQuery,
        wait: Duration,
    ) -> Reply<'_, Page<InboxItem>> {
        Box::pin(async move {
            let deadline = tokio::time::Instant::now() + wait;
            let start: usize = query.after.as_deref().map_or(0, |a| a.parse().unwrap());
            loop {
                let changed = self.changed.notified();
                let mut changed = std::pin::pin!(changed);
                changed.as_mut().enable();
                let (items, end) = {
                    let state = self.lock();
                    let wanted = |i: &&Item| {
                        i.recipients.contains(&agency) && query.state.is_none_or(|s| s == i.state)
                    };
                    let new = state.items.iter().skip(start).filter(wanted);
                    (new.map(inbox_item).collect::<Vec<_>>(), state.items.len())
                };
                if !items.is_empty() {
                    return Ok(Page { items, next: Some(end.to_string()) });
                }
                if tokio::time::timeout_at(deadline, changed).await.is_err() {
                    return Ok(Page { items: vec![], next: Some(start.to_string()) });
                }
            }
        })
    }

    pub(super) fn inbox_entry(
        &self,
        _: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
    ) -> Reply<'_, InboxEntry> {
        Box::pin(async move {
            let item = self.mine(&agency, dispatch)?;
            Ok(InboxEntry {
                dispatch: item.id.into(),
                recipient: agency.into(),
                object: Digest([1; 32]).into(),
                sealed_bytes: item.sealed.len() as u64,
                originator: item.originator.into(),
                reference: item.reference.into(),
                recipients: item.recipients.into_iter().map(Into::into).collect(),
                metadata: SealMetadata {
                    subject: "Về việc thử".into(), ..Default::default()
                },
                act: SealActKind::New,
                act_of: vec![],
                documents: vec![],
                sealed_by: None,
                issued_at: NOW.into(),
                consigned_at: NOW.into(),
                state: item.state,
                acts: vec![],
                same_number: vec![],
                statuses: vec![],
                units: vec![],
                signature: signature(),
                remark: None,
            })
        })
    }

    pub(super) fn fetch(
        &self,
        _: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
    ) -> Reply<'_, Fetched> {
        Box::pin(async move {
            let item = self.mine(&agency, dispatch)?;
            Ok(Fetched { sealed: item.sealed, token: format!("fetch-{}", dispatch.short()) })
        })
    }

    pub(super) fn open_document(
        &self,
        _: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        _: Digest,
    ) -> Reply<'_, OpenDocument> {
        Box::pin(async move {
            self.mine(&agency, dispatch)?;
            let size = self.document_bytes;
            let reader = Box::new(Pattern { size, breaks_at: self.document_breaks_at });
            Ok(OpenDocument { size, media_type: "application/pdf".into(), reader })
        })
    }

    pub(super) fn confirm(
        &self,
        _: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        request: ConfirmRequest,
    ) -> Reply<'_, Recorded> {
        Box::pin(async move {
            if request.fetch != format!("fetch-{}", dispatch.short()) {
                return Err(Problem::new(Code::WrongState, "not the token of the last fetch"));
            }
            self.record(agency, dispatch, InboxState::HandedOver, Event::ContentHandover)
        })
    }

    pub(super) fn register(
        &self,
        _: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        said: Said<RegisterRequest>,
    ) -> Reply<'_, Recorded> {
        Box::pin(async move {
            let done =
                self.record(agency, dispatch, InboxState::Registered, Event::ConsignmentAcceptance);
            with_statement(done, &said)
        })
    }

    pub(super) fn refuse(
        &self,
        _: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        said: Said<RefuseRequest>,
    ) -> Reply<'_, Recorded> {
        Box::pin(async move {
            let done =
                self.record(agency, dispatch, InboxState::Refused, Event::ConsignmentRejection);
            with_statement(done, &said)
        })
    }

    pub(super) fn report(
        &self,
        _: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        said: Said<StatusRequest>,
    ) -> Reply<'_, Recorded> {
        Box::pin(async move {
            let done = self.record(agency, dispatch, InboxState::Registered, Event::HandlingStatus);
            with_statement(done, &said)
        })
    }
}

fn with_statement<W>(done: Result<Recorded, Problem>, said: &Said<W>) -> Result<Recorded, Problem> {
    let statement = match said {
        Said::Words(_) => None,
        Said::Sealed(bytes) => Some(Base64(bytes.to_vec())),
    };
    done.map(|recorded| Recorded { statement, ..recorded })
}

pub(super) fn inbox_item(item: &Item) -> InboxItem {
    InboxItem {
        dispatch: item.id.into(),
        recipient: item.recipients[0].clone().into(),
        originator: item.originator.clone().into(),
        reference: item.reference.clone().into(),
        number: None,
        kind: None,
        subject: "Về việc thử".into(),
        urgency: UrgencyLevel::Normal,
        due_on: None,
        consigned_at: NOW.into(),
        state: item.state,
        status: None,
        register_by: NOW.into(),
        overdue: false,
        act: SealActKind::New,
        acts: vec![],
        same_number: vec![],
        units: vec![],
        documents: 0,
        documents_bytes: 0,
        type_remarks: None,
    }
}

struct Pattern {
    size: u64,
    breaks_at: Option<u64>,
}

impl DocumentRead for Pattern {
    fn read(&mut self, offset: u64, bytes_max: usize) -> Reply<'_, Bytes> {
        Box::pin(async move {
            if self.breaks_at.is_some_and(|at| offset >= at) {
                return Err(Problem::new(Code::StoreCorrupt, "damaged"));
            }
            let end = self.size.min(offset + bytes_max as u64);
            Ok((offset..end).map(pattern).collect::<Vec<u8>>().into())
        })
    }
}
