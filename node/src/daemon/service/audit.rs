//! What auditors ask: receipts, the log, its proofs.

use tram_api::model::{
    Consistency, ConsistencyQuery, GenesisView, Inclusion, InclusionQuery, LogHead, Page,
    ReceiptQuery, ReceiptView,
};
use tram_api::{Base64, Problem, Scope};
use tram_dispatch::{Code, Digest, DispatchId};
use tram_spool::store::{ReceiptQuery as StoreQuery, Source};
use tram_wire::Receipt;

use super::{NodeService, convert, storage, store_problem};

/// Page size where the caller names none, and the largest.
const PAGE_DEFAULT: u32 = 100;
const PAGE_MAX: u32 = 1000;

impl NodeService {
    pub(super) async fn do_receipts(
        &self,
        query: ReceiptQuery,
        scope: Scope,
    ) -> Result<Page<ReceiptView>, Problem> {
        if let Some(id) = &query.dispatch {
            return self.receipts_of(id.0, &query, scope).await;
        }
        let store = self.context.store.clone();
        let limit = query.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
        let asked = StoreQuery {
            dispatch: None,
            agency: query.agency.map(|t| t.0),
            event: query.event.map(|t| t.0),
            from: query.from.map(|t| t.0),
            to: query.to.map(|t| t.0),
            after: super::cursor(query.after.as_deref())?,
            limit: limit as usize,
        };
        self.reading(move || {
            let page = store.receipts(&asked).map_err(store_problem)?;
            let mut items = Vec::new();
            for found in page.items {
                let receipt = Receipt::parse(&found.raw)
                    .map_err(|e| Problem::new(Code::StoreCorrupt, e.detail))?;
                let e = receipt.record();
                if scope.sees(&e.originator, e.recipient.as_ref()) {
                    let authorised = match found.source {
                        Source::Own { .. } => true,
                        Source::Foreign { authorised, .. } => authorised,
                    };
                    items.push(view(&receipt, authorised));
                }
            }
            Ok(Page { items, next: page.next.map(|c| c.to_string()) })
        })
        .await
    }

    /// The receipts of one dispatch: those that came with it, then what followed. All in one page,
    /// unless a limit is given.
    async fn receipts_of(
        &self,
        id: DispatchId,
        query: &ReceiptQuery,
        scope: Scope,
    ) -> Result<Page<ReceiptView>, Problem> {
        let found = self
            .context
            .core
            .question(move |engine, view| match engine.find(&id, view)? {
                Some(held) => convert::receipts(engine, view, &held).map(Some),
                None => Ok(None),
            })
            .await?
            .map_err(storage)?;
        let all = match found {
            Some(all) => all,
            None => self.refusals_of(id).await?,
        };
        let records = all.iter().map(|(receipt, _)| receipt.record());
        let mut concerned = records.filter(|e| scope.sees(&e.originator, e.recipient.as_ref()));
        if concerned.next().is_none() {
            // Who has nothing to do with it is told the same as if it did not exist.
            return Err(Problem::new(Code::NotFound, format!("dispatch {id}")));
        }
        let bad = |_| Problem::bad_request("after: not a cursor of this listing");
        let skip = query.after.as_deref().map_or(Ok(0), str::parse::<usize>).map_err(bad)?;
        let limit = query.limit.map_or(usize::MAX, |l| l.max(1) as usize);
        let wanted = |(receipt, _): &&(Receipt, bool)| {
            let e = receipt.record();
            let agency = query.agency.as_ref().map(|a| &a.0);
            query.event.as_ref().is_none_or(|event| event.0 == e.event)
                && agency.is_none_or(|a| e.originator == *a || e.recipient.as_ref() == Some(a))
                && query.from.as_ref().is_none_or(|from| e.time >= from.0)
                && query.to.as_ref().is_none_or(|to| e.time < to.0)
                && scope.sees(&e.originator, e.recipient.as_ref())
        };
        let total = all.iter().filter(wanted).count();
        let page = all.iter().filter(wanted).skip(skip).take(limit);
        let items: Vec<ReceiptView> = page.map(|(receipt, ok)| view(receipt, *ok)).collect();
        let end = skip + items.len();
        Ok(Page { items, next: (end < total).then(|| end.to_string()) })
    }

    /// Receipts of a dispatch that was refused and so is not held.
    pub(super) async fn refusals_of(
        &self,
        id: DispatchId,
    ) -> Result<Vec<(Receipt, bool)>, Problem> {
        let store = self.context.store.clone();
        let asked =
            StoreQuery { dispatch: Some(id), limit: PAGE_MAX as usize, ..StoreQuery::default() };
        self.reading(move || {
            let page = store.receipts(&asked).map_err(store_problem)?;
            if page.items.is_empty() {
                return Err(Problem::new(Code::NotFound, format!("dispatch {id}")));
            }
            let parse = |raw: &[u8]| {
                Receipt::parse(raw).map_err(|e| Problem::new(Code::StoreCorrupt, e.detail))
            };
            page.items.iter().map(|found| Ok((parse(&found.raw)?, true))).collect()
        })
        .await
    }

    pub(super) async fn do_log_head(&self) -> Result<LogHead, Problem> {
        let c = &self.context;
        let head = c.core.head();
        let checkpoint = String::from_utf8(c.checkpoint())
            .map_err(|e| Problem::new(Code::Internal, e.to_string()))?;
        Ok(LogHead {
            network: c.network.into(),
            node: c.me.clone().into(),
            epoch: c.epoch.into(),
            size: head.size,
            root: Digest(head.root).into(),
            at: head.time.into(),
            checkpoint,
        })
    }

    pub(super) async fn do_inclusion(&self, query: InclusionQuery) -> Result<Inclusion, Problem> {
        self.within(query.size)?;
        let (store, epoch) = (self.context.store.clone(), self.context.epoch);
        self.reading(move || {
            let path = store.inclusion_proof(query.index, query.size).map_err(store_problem)?;
            let root = store.root(query.size).map_err(store_problem)?;
            let leaf = store
                .leaf_hash(query.index)
                .map_err(store_problem)?
                .ok_or_else(|| Problem::new(Code::NotFound, format!("leaf {}", query.index)))?;
            Ok(Inclusion {
                epoch: epoch.into(),
                index: query.index,
                size: query.size,
                leaf: Digest(leaf).into(),
                root: Digest(root).into(),
                path: path.into_iter().map(|h| Digest(h).into()).collect(),
            })
        })
        .await
    }

    pub(super) async fn do_consistency(
        &self,
        query: ConsistencyQuery,
    ) -> Result<Consistency, Problem> {
        self.within(query.new)?;
        let (store, epoch) = (self.context.store.clone(), self.context.epoch);
        self.reading(move || {
            let path = store.consistency_proof(query.old, query.new).map_err(store_problem)?;
            Ok(Consistency {
                epoch: epoch.into(),
                old: query.old,
                new: query.new,
                old_root: Digest(store.root(query.old).map_err(store_problem)?).into(),
                new_root: Digest(store.root(query.new).map_err(store_problem)?).into(),
                path: path.into_iter().map(|h| Digest(h).into()).collect(),
            })
        })
        .await
    }

    pub(super) async fn do_genesis(&self) -> Result<GenesisView, Problem> {
        let (store, epoch) = (self.context.store.clone(), self.context.epoch);
        let me = self.context.me.clone();
        self.reading(move || {
            let genesis = store
                .genesis()
                .map_err(store_problem)?
                .ok_or_else(|| Problem::new(Code::NotFound, "the log is empty"))?;
            let bytes = tram_wire::genesis::encode(&genesis);
            Ok(GenesisView {
                node: me.into(),
                epoch: epoch.into(),
                started_at: genesis.started_at.into(),
                genesis: Base64(bytes),
                receipt_key: Base64(genesis.receipt_key),
                checkpoint_key: Base64(genesis.checkpoint_key),
            })
        })
        .await
    }

    fn within(&self, size: u64) -> Result<(), Problem> {
        let now = self.context.core.head().size;
        if size > now {
            let detail = format!("the log has {now} leaves, {size} were asked for");
            return Err(Problem::new(Code::NotFound, detail));
        }
        Ok(())
    }
}

pub(super) fn view(receipt: &Receipt, authorised: bool) -> ReceiptView {
    let e = receipt.record();
    ReceiptView {
        digest: receipt.digest().into(),
        event: e.event.into(),
        dispatch: e.dispatch.into(),
        originator: e.originator.clone().into(),
        recipient: e.recipient.clone().map(Into::into),
        node: e.node.clone().into(),
        epoch: e.epoch.into(),
        index: receipt.leaf_index(),
        tree_size: receipt.signed_root().size,
        at: e.time.into(),
        code: e.reason.map(Into::into),
        remark: e.remark.clone(),
        authorised,
        raw: Base64(receipt.raw().to_vec()),
    }
}
