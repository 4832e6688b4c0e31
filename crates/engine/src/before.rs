//! Which nodes had which agencies before the directory in force, and what a new directory changes here.

use std::collections::BTreeMap;
use std::sync::Arc;

use tram_dispatch::limits::LIFETIME_MS_MAX;
use tram_dispatch::{AgencyCode, Event, EvidenceRecord, NodeId, Now, UnixMillis};
use tram_trust::{Directory, authority};

use crate::engine::Engine;

/// Most agencies whose earlier nodes are known; the first to go are those that moved first.
const MOVED_MAX: usize = 250_000;
/// Most earlier nodes of one agency.
const NODES_MAX: usize = 8;

/// The nodes that agencies moved away from, each with when this node learned of it. What an agency sent from
/// its old node may be under way for as long as a dispatch can live, and no longer are they kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostsBefore(BTreeMap<AgencyCode, Vec<(NodeId, UnixMillis)>>);

impl HostsBefore {
    /// Notes who moves away by a new directory, and forgets what is of no use any more. A closed agency's own
    /// node goes on speaking for it by the directory itself.
    pub fn learn(&mut self, before: &Directory, after: &Directory, at: UnixMillis) {
        for agency in before.agencies() {
            let Some(node) = &agency.node else { continue };
            if !authority::hosts(after, node, &agency.code) {
                self.note(agency.code.clone(), node.clone(), at);
            }
        }
        self.keep(MOVED_MAX, at);
    }

    /// Forgets what can be under way no more, and of more agencies than `max` those that moved first.
    fn keep(&mut self, max: usize, at: UnixMillis) {
        self.0.retain(|_, nodes| {
            nodes.retain(|(_, since)| at < since.plus_ms(LIFETIME_MS_MAX));
            !nodes.is_empty()
        });
        let newest = |nodes: &Vec<(NodeId, UnixMillis)>| nodes.last().map(|(_, since)| *since);
        if self.0.len() > max {
            let mut moments: Vec<_> = self.0.values().filter_map(newest).collect();
            let (_, oldest_kept, _) = moments.select_nth_unstable(self.0.len() - max);
            let oldest_kept = *oldest_kept;
            self.0.retain(|_, nodes| newest(nodes) >= Some(oldest_kept));
        }
        // Of many that moved at once, any.
        while self.0.len() > max {
            self.0.pop_last();
        }
    }

    /// An agency moved away from a node, as far as is known since `at`.
    pub fn note(&mut self, agency: AgencyCode, node: NodeId, at: UnixMillis) {
        let nodes = self.0.entry(agency).or_default();
        nodes.retain(|(known, _)| *known != node);
        nodes.push((node, at));
        if nodes.len() > NODES_MAX {
            nodes.remove(0);
        }
    }

    /// Every agency that moved, each node that had it before, and since when that is known; by agency, the
    /// first to have had it first.
    pub fn all(&self) -> impl Iterator<Item = (&AgencyCode, &NodeId, UnixMillis)> {
        self.0
            .iter()
            .flat_map(|(agency, nodes)| nodes.iter().map(move |(node, at)| (agency, node, *at)))
    }

    /// Since when it is known that the agency moved away from this node, if it did.
    fn since(&self, agency: &AgencyCode, node: &NodeId) -> Option<UnixMillis> {
        self.0.get(agency)?.iter().find(|(known, _)| known == node).map(|(_, at)| *at)
    }
}

impl Engine {
    /// What is known from an earlier life of the process; before anything is handed in.
    pub fn remember_hosts(&mut self, hosts: HostsBefore) {
        self.hosts_before = hosts;
    }

    /// Which nodes had which agencies before.
    pub fn hosts_before(&self) -> &HostsBefore {
        &self.hosts_before
    }

    /// A directory is in force from now on.
    pub(crate) fn new_directory(&mut self, now: Now, directory: Arc<Directory>) {
        if directory.digest() == self.directory.digest() {
            // Another epoch of a node, say.
            self.directory = directory;
        } else {
            self.doubt_all(now);
            let before = std::mem::replace(&mut self.directory, directory);
            let at = self.steady_time(now);
            self.hosts_before.learn(&before, &self.directory, at);
            self.doubt_since_before(now, &before);
            self.directory_before = Some(before);
            // What is on record of offers that were not answered is worth nothing once it is needed and gone.
            self.urgent |= !self.records.is_empty();
        }
        self.take_back_from_closed(now);
        self.requeue_all();
        self.count_claims(now);
    }

    /// Whether the node that says to have taken a submission had its originator: by the directory in force,
    /// where a closed agency's own node goes on speaking for it, by the one before, or by one before that,
    /// for as long as what it took then may be under way.
    pub(crate) fn served(&self, now: Now, first: &EvidenceRecord, originator: &AgencyCode) -> bool {
        let had = |d: &Directory| authority::hosts(d, &first.node, originator);
        if had(&self.directory) || self.directory_before.as_ref().is_some_and(|d| had(d)) {
            return true;
        }
        // By that one it has not taken it: it would have refused.
        if first.directory == Some(self.directory.digest()) {
            return false;
        }
        let longest_ms = self.settings.lifetime_ms_max;
        let certain = self.clock_certain();
        self.moved_from(&first.node, originator)
            .any(|since| !certain || now.wall < since.plus_ms(longest_ms))
    }

    /// Whether who says something as a recipient's node was that before the recipient moved: what lies in a
    /// mailbox stays in it. What it takes by the directory in force is not in that mailbox.
    pub(crate) fn had_mailbox(&self, said: &EvidenceRecord) -> bool {
        let takes = said.event == Event::ContentConsignment;
        said.event.only_recipient_node()
            && !(takes && said.directory == Some(self.directory.digest()))
            && said.recipient.as_ref().is_some_and(|r| self.moved_from(&said.node, r).count() > 0)
    }

    /// Since when it is known that an agency, under any code that it had, moved away from a node.
    fn moved_from<'e>(
        &'e self,
        node: &'e NodeId,
        agency: &'e AgencyCode,
    ) -> impl Iterator<Item = UnixMillis> + 'e {
        let entry = self.directory.agency(agency);
        let names = entry.into_iter().flat_map(|a| std::iter::once(&a.code).chain(&a.former));
        std::iter::once(agency).chain(names).filter_map(|code| self.hosts_before.since(code, node))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(hosts: &mut HostsBefore, agency: &str, node: &str, at: u64) {
        hosts.note(agency.parse().unwrap(), node.parse().unwrap(), UnixMillis(at));
    }

    fn agencies(hosts: &HostsBefore) -> Vec<&str> {
        hosts.all().map(|(agency, _, _)| agency.as_str()).collect()
    }

    #[test]
    fn those_that_moved_last_are_kept_for_as_long_as_a_dispatch_can_live() {
        let mut hosts = HostsBefore::default();
        for (agency, at) in [("H41", 5), ("H42", 3), ("H43", 4), ("H44", 5), ("H45", 1)] {
            moved(&mut hosts, agency, "n1.H29", at);
        }
        hosts.keep(4, UnixMillis(5));
        assert_eq!(agencies(&hosts), ["H41", "H42", "H43", "H44"]);
        hosts.keep(1, UnixMillis(5));
        assert_eq!(agencies(&hosts), ["H41"], "of two that moved at once, one");
        moved(&mut hosts, "H46", "n1.H29", 6);
        hosts.keep(9, UnixMillis(5 + LIFETIME_MS_MAX));
        assert_eq!(agencies(&hosts), ["H46"]);
    }

    #[test]
    fn of_one_agency_the_last_nodes_are_kept_each_once() {
        let mut hosts = HostsBefore::default();
        for at in 0..20 {
            moved(&mut hosts, "H41", &format!("n{}.H41", 1 + at % 10), at);
        }
        let kept: Vec<_> = hosts.all().map(|(_, _, at)| at.0).collect();
        assert_eq!(kept, (20 - NODES_MAX as u64..20).collect::<Vec<_>>());
    }
}
