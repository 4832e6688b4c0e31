//! Groups of recipients: whom they mean, and sealing for them.

use std::collections::BTreeSet;

use tram_api::Problem;
use tram_api::model::{
    ExpandedView, GroupView, Page, RecipientsQuery, RecipientsView, SealRequest,
};
use tram_dispatch::group::{self, Group};
use tram_dispatch::{AgencyCode, Envelope};
use tram_trust::Directory;
use tram_trust::group::{Expansion, expand};

use super::{NodeService, blocking};

impl NodeService {
    pub(super) async fn do_groups(&self, agency: AgencyCode) -> Result<Page<GroupView>, Problem> {
        let groups = &self.context.config.groups;
        let open =
            groups.iter().filter(|(_, g)| g.agencies.as_ref().is_none_or(|a| a.contains(&agency)));
        let items = open.map(|(name, g)| GroupView {
            group: Group::Named(name.clone()).to_string(),
            members: g.members.iter().map(ToString::to_string).collect(),
        });
        Ok(Page { items: items.collect(), next: None })
    }

    pub(super) async fn do_recipients(
        &self,
        agency: AgencyCode,
        query: RecipientsQuery,
    ) -> Result<RecipientsView, Problem> {
        let groups = read(query.groups.split(','))?;
        let context = self.context.clone();
        blocking(move || {
            let verifier = context.verifier();
            let directory = verifier.directory();
            let found = expanded(directory, &context.config, &agency, &groups, &[])?;
            Ok(crate::groups::view(directory, &groups, &found))
        })
        .await
    }

    /// Puts the agencies of a request's groups among its recipients. A repeat is addressed to whom the first
    /// sealing was, `first`: the directory may say something else by now.
    pub(super) async fn with_groups(
        &self,
        mut request: SealRequest,
        first: Option<&Envelope>,
    ) -> Result<(SealRequest, Option<ExpandedView>), Problem> {
        if request.groups.is_empty() {
            if request.recipients.is_empty() {
                return Err(Problem::bad_request("recipients or groups: at least one"));
            }
            return Ok((request, None));
        }
        if request.group.is_some() {
            let detail = "group: it says whom groups were expanded to before; not beside groups";
            return Err(Problem::bad_request(detail));
        }
        let groups = read(request.groups.drain(..))?;
        let label = group::list(&groups);
        request.group = Some(label.clone());
        let beside: Vec<AgencyCode> = request.recipients.iter().map(|r| r.0.clone()).collect();
        if let Some(first) = first.filter(|e| e.group.as_ref() == Some(&label)) {
            let addressed: BTreeSet<&AgencyCode> = first.recipients.iter().collect();
            if beside.iter().all(|r| addressed.contains(r)) {
                request.recipients = first.recipients.iter().cloned().map(Into::into).collect();
                let recipients = first.recipients.len() as u32;
                let (left_out_count, left_out) = (0, Vec::new());
                let view = ExpandedView { groups: label, recipients, left_out_count, left_out };
                return Ok((request, Some(view)));
            }
        }
        let context = self.context.clone();
        let originator = request.originator.0.clone();
        let found = blocking(move || {
            let verifier = context.verifier();
            expanded(verifier.directory(), &context.config, &originator, &groups, &beside)
        })
        .await?;
        let view = ExpandedView {
            groups: label,
            recipients: found.recipients.len() as u32,
            left_out_count: found.left_out.len() as u32,
            left_out: crate::groups::left_out(&found),
        };
        request.recipients = found.recipients.into_iter().map(Into::into).collect();
        Ok((request, Some(view)))
    }
}

/// Groups as a caller wrote them, in their one order.
fn read(texts: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Vec<Group>, Problem> {
    let texts: Vec<String> = texts.into_iter().map(|t| t.as_ref().to_owned()).collect();
    group::read_list(&texts.join(",")).map_err(|bad| Problem::bad_request(bad.to_string()))
}

fn expanded(
    directory: &Directory,
    config: &tram_config::Config,
    originator: &AgencyCode,
    groups: &[Group],
    beside: &[AgencyCode],
) -> Result<Expansion, Problem> {
    expand(directory, &config.groups, originator, groups, beside)
        .map_err(|refusal| Problem::new(refusal.code, refusal.detail))
}
