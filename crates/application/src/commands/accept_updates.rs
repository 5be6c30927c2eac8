//! The acceptance path of updates: load, decide, record.
//!
//! Whoever brings updates takes the same steps, in [`decide_and_record`]. A push is a transaction of its own
//! ([`accept_updates`]); polls and envelopes have more to write, in the unit of work of the same writer.

use chrono::{DateTime, Utc};
use domain::BrokenInvariant;
use domain::acceptance::{
    BatchItem, Gate, Item, JudgedItem, Origin, Source, decide_batch, tally_rejections,
};
use domain::ids::{EventId, WorkspaceId};
use persistence::StorageError;
use persistence::acceptance::{AcceptanceWriter, BatchFacts, Delivery};
use telemetry::metrics;

use super::count_judged;
use crate::Core;

/// Updates of one workspace, decided in one transaction.
#[derive(Clone, Debug)]
pub struct Batch<'a> {
    /// The workspace whose devices the updates are about.
    pub workspace_id: &'a WorkspaceId,
    /// The updates in the order in which they are decided, each with its place in that order.
    pub items: Vec<BatchItem<'a>>,
    /// Who brings the updates.
    pub source: Source,
    /// The instant at which the updates were prepared from what the provider sent.
    pub prepared_at: DateTime<Utc>,
}

impl<'a> Batch<'a> {
    /// A batch of items in this order, each with where it comes from.
    pub fn new(
        workspace_id: &'a WorkspaceId,
        source: Source,
        prepared_at: DateTime<Utc>,
        items: impl IntoIterator<Item = (&'a Item, Origin<'a>)>,
    ) -> Self {
        let items = items.into_iter().enumerate();
        let items = items.map(|(position, (item, origin))| BatchItem {
            position,
            item,
            origin,
        });
        Self {
            workspace_id,
            items: items.collect(),
            source,
            prepared_at,
        }
    }
}

/// Why a batch was refused whole.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// There is no such workspace.
    #[error("there is no such workspace")]
    UnknownWorkspace,
    /// The workspace is inactive.
    #[error("the workspace is inactive")]
    InactiveWorkspace,
    /// The poll's lease is no longer held: another holder, or nobody, may bring its results.
    #[error("the cycle's lease is no longer held")]
    LeaseLost,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The code is wrong.
    #[error(transparent)]
    Broken(#[from] BrokenInvariant),
}

/// Accepts a batch in a transaction of its own. Returns its items with their verdicts, in order, after the commit.
///
/// # Errors
/// [`AcceptError`], with nothing persisted; where the database did not confirm a commit, it may have landed.
pub async fn accept_updates<'a>(
    core: &Core,
    batch: Batch<'a>,
) -> Result<Vec<JudgedItem<'a>>, AcceptError> {
    let _measured = metrics::query("accept_updates");
    let source = batch.source;
    let mut writer = core.store.acceptance_writer(batch.workspace_id);
    let judged = decide_and_record(core, &mut writer, batch).await?;
    keep_rejections(core, &mut writer, source, &judged).await?;
    writer.commit().await?;
    count_judged(judged.iter().map(|one| &one.judged));
    Ok(judged)
}

/// Loads what the batch is judged by, decides it, and records what was decided: again for the devices that another
/// batch has moved meanwhile, until nothing is left. The caller keeps what is rejected, once, after everything that waits
/// for snapshots, so that no lock is held for it meanwhile.
pub(crate) async fn decide_and_record<'a>(
    core: &Core,
    writer: &mut AcceptanceWriter<'_>,
    batch: Batch<'a>,
) -> Result<Vec<JudgedItem<'a>>, AcceptError> {
    if let Source::Cycle { cycle_id, lease } = batch.source
        && !writer.holds_lease(cycle_id, lease).await?
    {
        return Err(AcceptError::LeaseLost);
    }
    let mut open = batch.items;
    let mut settled = Vec::with_capacity(open.len());
    loop {
        let facts = load_facts(writer, &open).await?;
        let now = core.clock.now();
        let gate = Gate {
            cutover: facts.cutover,
            source: batch.source,
            future_tolerance: core.rules.future_tolerance,
            now,
        };
        let next_event_id = || EventId(core.ids.next(now));
        let decision = decide_batch(open, &facts.registry, &gate, next_event_id);
        let delivery = Delivery {
            received_at: now,
            prepared_at: batch.prepared_at,
            cycle_id: batch.source.cycle_id(),
        };
        let recorded = writer.record(&decision, &delivery).await?;
        open = Vec::new();
        for one in decision.items {
            if recorded.leaves_out(one.judged.device_id.as_ref()) {
                open.push(one.source);
            } else {
                settled.push(one);
            }
        }
        if open.is_empty() {
            break;
        }
    }
    settled.sort_unstable_by_key(|one| one.source.position);
    tracing::debug!(
        workspace_id = %batch.workspace_id,
        trace_id = settled.first().and_then(|one| one.source.origin.trace_id),
        updates = settled.len(),
        payload_prepared_at = %batch.prepared_at,
        "TelematicsIngressPayloadPrepared"
    );
    Ok(settled)
}

/// Loads what items are judged by, unless their workspace accepts nothing.
pub(super) async fn load_facts(
    writer: &mut AcceptanceWriter<'_>,
    items: &[BatchItem<'_>],
) -> Result<BatchFacts, AcceptError> {
    let facts = writer.load(items).await?;
    let facts = facts.ok_or(AcceptError::UnknownWorkspace)?;
    if facts.active {
        Ok(facts)
    } else {
        Err(AcceptError::InactiveWorkspace)
    }
}

/// Keeps what was rejected of a batch, in the writer's transaction.
pub(crate) async fn keep_rejections(
    core: &Core,
    writer: &mut AcceptanceWriter<'_>,
    source: Source,
    judged: &[JudgedItem<'_>],
) -> Result<(), StorageError> {
    let items = judged.iter().map(|one| {
        let BatchItem { item, origin, .. } = one.source;
        (item, &one.judged, origin.trace_id)
    });
    let (rejections, now) = (tally_rejections(items), core.clock.now());
    writer
        .keep_rejections(&rejections, source.cycle_id(), now)
        .await
}
