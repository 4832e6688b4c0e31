//! Dispatches: taken, sealed, followed, listed.

use super::*;

impl Fake {
    pub fn accept(
        &self,
        originator: AgencyCode,
        reference: Reference,
        recipients: Vec<AgencyCode>,
        sealed: Bytes,
    ) -> Result<Accepted, Problem> {
        let id = DispatchId(digest_of(&sealed));
        let mut state = self.lock();
        let earlier = state
            .items
            .iter()
            .find(|i| (&i.originator, &i.reference) == (&originator, &reference))
            .cloned();
        let repeat = earlier.is_some();
        let item = match earlier {
            Some(item) if item.id == id => item,
            Some(_) => return Err(Problem::new(Code::ReferenceReused, "other content")),
            None => {
                let state_ = InboxState::Waiting;
                let item = Item { id, originator, reference, recipients, sealed, state: state_ };
                state.items.push(item.clone());
                for recipient in &item.recipients {
                    let number = state.notices.len() + 1;
                    state.notices.push(EventNotice {
                        id: number.to_string(),
                        event: Happening::Evidence(Event::ContentConsignment).into(),
                        dispatch: id.into(),
                        originator: item.originator.clone().into(),
                        recipient: Some(recipient.clone().into()),
                        node: Self::node().into(),
                        at: NOW.into(),
                        status: None,
                        code: None,
                    });
                }
                item
            }
        };
        drop(state);
        self.changed.notify_waiters();
        Ok(Accepted {
            dispatch: id.into(),
            originator: item.originator.clone().into(),
            reference: item.reference.clone().into(),
            accepted_at: NOW.into(),
            receipt: Base64(b"receipt".to_vec()),
            legs: legs(&item),
            expanded: None,
            same_number: vec![],
            type_remarks: vec![],
            repeat,
        })
    }

    pub(super) fn submit(&self, caller: Caller, submission: Submission) -> Reply<'_, Accepted> {
        Box::pin(async move {
            self.lock().calls += 1;
            let bad = || Problem::new(Code::Malformed, "not a sealed dispatch");
            let text = std::str::from_utf8(&submission.sealed).map_err(|_| bad())?.to_owned();
            let parts: Vec<&str> = text.split('|').collect();
            let [originator, reference, recipients] = parts[..] else { return Err(bad()) };
            let originator: AgencyCode = originator.parse().map_err(|_| bad())?;
            caller.require(&[Role::Submit], &originator)?;
            let recipients = recipients.split(',').map(|r| r.parse().unwrap()).collect();
            let inline = submission.documents.iter().map(|d| d.as_ref().map(Bytes::len)).collect();
            self.lock().inline = inline;
            let reference = reference.parse().map_err(|_| bad())?;
            self.accept(originator, reference, recipients, submission.sealed)
        })
    }

    pub(super) fn seal(
        &self,
        _: Caller,
        reference: Reference,
        request: SealRequest,
    ) -> Reply<'_, Accepted> {
        Box::pin(async move {
            let sealed = format!("{}|{reference}|{}", request.originator, request.metadata.subject);
            let recipients = request.recipients.into_iter().map(|r| r.0).collect();
            self.accept(request.originator.0, reference, recipients, sealed.into())
        })
    }

    pub(super) fn track(&self, _: Caller, dispatch: DispatchId) -> Reply<'_, Tracking> {
        Box::pin(async move {
            let item = self.find(dispatch)?;
            Ok(Tracking {
                dispatch: item.id.into(),
                object: Digest([1; 32]).into(),
                originator: item.originator.clone().into(),
                reference: item.reference.clone().into(),
                subject: Some("Về việc thử".into()),
                signature: signature(),
                urgency: UrgencyLevel::Normal,
                issued_at: NOW.into(),
                expires_at: NOW.plus_ms(1000).into(),
                accepted_at: NOW.into(),
                previous: None,
                act: SealActKind::New,
                act_of: vec![],
                answers_to: vec![],
                acts: vec![],
                documents: vec![],
                legs: legs(&item),
                evidence: vec![],
            })
        })
    }

    pub(super) fn dispatches(
        &self,
        _: Caller,
        query: DispatchQuery,
        _scope: Scope,
    ) -> Reply<'_, Page<DispatchSummary>> {
        // The scope is left out on purpose: the socket must not rely on it alone.
        Box::pin(async move {
            let state = self.lock();
            let wanted = |i: &&Item| {
                query.originator.as_ref().is_none_or(|o| o.0 == i.originator)
                    && query.reference.as_ref().is_none_or(|r| r.0 == i.reference)
            };
            let summary = |i: &Item| DispatchSummary {
                dispatch: i.id.into(),
                originator: i.originator.clone().into(),
                reference: i.reference.clone().into(),
                subject: Some("Về việc thử".into()),
                urgency: UrgencyLevel::Flash,
                accepted_at: NOW.into(),
                recipients: i.recipients.iter().cloned().map(Into::into).collect(),
                open: 0,
                consigned: 1,
                undelivered: 0,
                send_by: NOW.into(),
                late: 0,
                acknowledge_by: None,
                unacknowledged: 0,
            };
            let all = state.items.iter().filter(wanted).map(summary).collect();
            Ok(page(all, query.after.as_deref(), query.limit))
        })
    }
}

fn legs(item: &Item) -> Vec<LegView> {
    let leg = |recipient: &AgencyCode| LegView {
        recipient: recipient.clone().into(),
        state: LegState::Consigned,
        outcome: Some(Outcome::Consigned),
        event: Some(Event::ContentConsignment.into()),
        status: None,
        peer: None,
        changed_at: NOW.into(),
        attempts: 1,
        next_attempt_at: None,
        code: None,
        remark: None,
    };
    item.recipients.iter().map(leg).collect()
}
