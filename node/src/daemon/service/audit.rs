//! What auditors ask: receipts, the log, its proofs.

use tram_api::model::{
    Consistency, ConsistencyQuery, GenesisView, Inclusion, InclusionQuery, LogHead, Page,
    ReceiptQuery, ReceiptView,
};
use tram_api::{Base64, Problem, Scope};
use tram_dispatch::{Code, Digest};
use tram_spool::store::{ReceiptQuery as StoreQuery, Source};
use tram_wire::Receipt;

use super::{NodeService, blocking, store_problem};

/// Page size where the caller names none, and the largest.
const PAGE_DEFAULT: u32 = 100;
const PAGE_MAX: u32 = 1000;

impl NodeService {
    pub(super) async fn do_receipts(
        &self,
        query: ReceiptQuery,
        scope: Scope,
    ) -> Result<Page<ReceiptView>, Problem> {
        let store = self.context.store.clone();
        let limit = query.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
        let asked = StoreQuery {
            dispatch: query.dispatch.map(|t| t.0),
            agency: query.agency.map(|t| t.0),
            event: query.event.map(|t| t.0),
            from: query.from.map(|t| t.0),
            to: query.to.map(|t| t.0),
            after: super::cursor(query.after.as_deref())?,
            limit: limit as usize,
        };
        blocking(move || {
            let page = store.receipts(&asked).map_err(store_problem)?;
            if page.items.is_empty()
                && let Some(id) = asked.dispatch
                && asked.after.is_none()
                && store.records_of(&id).map_err(store_problem)?.is_empty()
            {
                return Err(Problem::new(Code::NotFound, format!("dispatch {id}")));
            }
            let mut items = Vec::new();
            for found in page.items {
                let receipt = Receipt::parse(&found.raw)
                    .map_err(|e| Problem::new(Code::StoreCorrupt, e.detail))?;
                let e = receipt.record();
                let visible = scope.contains(&e.originator)
                    || e.recipient.as_ref().is_some_and(|r| scope.contains(r));
                if visible {
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
        blocking(move || {
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
        blocking(move || {
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
        blocking(move || {
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

fn view(receipt: &Receipt, authorised: bool) -> ReceiptView {
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
