//! `GET /v1/log/entries`: the log as it is published.

use tram_api::Problem;
use tram_api::model::EntriesQuery;
use tram_dispatch::Code;
use tram_tlog::published::encode_bundle;
use tram_tlog::tile::TILE_WIDTH;

use super::{NodeService, store_problem};

impl NodeService {
    pub(super) async fn do_log_entries(
        &self,
        EntriesQuery { index, width }: EntriesQuery,
    ) -> Result<bytes::Bytes, Problem> {
        let first = index.checked_mul(TILE_WIDTH as u64);
        let size = self.context.core.head().size;
        let there = first.filter(|first| first.saturating_add(width as u64) <= size);
        let Some(first) = there else {
            let detail = format!("the log has {size} leaves");
            return Err(Problem::new(Code::NotFound, detail));
        };
        let store = self.context.store.clone();
        self.reading(move || {
            let entries = store.entries(first, width).map_err(store_problem)?;
            let bundle = encode_bundle(&entries);
            Ok(bundle.map_err(|e| Problem::new(Code::Internal, e.to_string()))?.into())
        })
        .await
    }
}
