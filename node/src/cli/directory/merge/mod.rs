//! `tram directory merge`: a reorganisation as one operation on the working file. Some agencies close, one
//! takes over what is addressed to them, others come under another one; all of it or nothing.

mod carry_out;
mod holes;
mod plan;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use tram_dispatch::{AgencyCode, NodeId, UnixMillis};

use self::carry_out::Step;
use self::plan::{Merge, Move, Plan, Rename};
use super::working::Working;
use crate::cli::clock::now;
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, files};

pub(super) use self::carry_out::carry_out;
pub(super) use self::holes::check;

/// Merge agencies in the working file: close some, name who takes over, move others; in one operation.
///
/// Every code stays in the directory: what is addressed to a closed one goes to who took over, also what is on
/// its way already. The result is checked before anything is written: nobody may stay below a closed agency
/// or at a closed node, and no chain of successors may end in nothing or in a circle. --dry-run shows what
/// would change.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  tram directory merge --close H41.12 --close H41.13 --into H41 --children --dry-run
  tram directory merge --close H41.12.07 --into H41.12.03 --move H41.12.03 --to H41 --to-node n1.H41
  tram directory merge --plan 2025-07-01.toml --dry-run\n
A plan file holds many such changes:
  at = \"2025-06-30T17:00:00Z\"
  [[merge]]
  close = [\"H41.12.07\", \"H41.12.08\"]
  into = \"H41.12.03\"
  [[move]]
  agencies = [\"H41.12.03\"]
  parent = \"H41\"
  node = \"n1.H41\"
  [[rename]]
  code = \"H41.12.03\"
  name = \"Xã Mỹ Sơn\"
  [[open]]
  code = \"H41.99\"
  name = \"Đặc khu (ví dụ)\"
  tier = 4
  parent = \"H41\"
  node = \"n1.H41\""
)]
pub(crate) struct MergeArgs {
    /// The working file.
    #[arg(long, default_value = "directory.toml", value_name = "FILE")]
    file: PathBuf,
    /// An agency that closes; may be repeated.
    #[arg(long, value_name = "CODE", requires = "into")]
    close: Vec<AgencyCode>,
    /// Who takes over what is addressed to those that close.
    #[arg(long, value_name = "CODE", requires = "close")]
    into: Option<AgencyCode>,
    /// Agencies below those that close come under who takes over, if nothing else is said of them.
    #[arg(long, requires = "into")]
    children: bool,
    /// Another name for who takes over.
    #[arg(long, value_name = "TEXT", requires = "into")]
    name: Option<String>,
    /// An agency that gets another place; may be repeated.
    #[arg(long = "move", value_name = "CODE")]
    moves: Vec<AgencyCode>,
    /// The agency that they come under.
    #[arg(long, value_name = "CODE", requires = "moves")]
    to: Option<AgencyCode>,
    /// The node that holds their mailboxes from now on.
    #[arg(long, value_name = "NODE", requires = "moves")]
    to_node: Option<NodeId>,
    /// From when it holds, for the record; now, where it is not given.
    #[arg(long, value_name = "TIME")]
    at: Option<UnixMillis>,
    /// A file with many such changes.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["close", "into", "moves", "at"])]
    plan: Option<PathBuf>,
    /// Only show what would change.
    #[arg(long)]
    dry_run: bool,
}

impl MergeArgs {
    fn plan(&self) -> Result<Plan, Failure> {
        let texts = |codes: &[AgencyCode]| codes.iter().map(ToString::to_string).collect();
        let mut plan = match &self.plan {
            Some(path) => Plan::read(path)?,
            None => Plan::default(),
        };
        if let Some(into) = &self.into {
            let (close, into) = (texts(&self.close), into.to_string());
            if let Some(name) = self.name.clone() {
                plan.renames.push(Rename { code: into.clone(), name });
            }
            plan.merges.push(Merge { close, into, children: self.children });
        }
        if !self.moves.is_empty() {
            if self.to.is_none() && self.to_node.is_none() {
                return Err(Failure::usage("--move needs --to or --to-node"));
            }
            plan.moves.push(Move {
                agencies: texts(&self.moves),
                parent: self.to.as_ref().map(ToString::to_string),
                node: self.to_node.as_ref().map(ToString::to_string),
                tier: None,
            });
        }
        plan.at = plan.at.or(self.at.map(|at| at.to_string()));
        if plan.is_empty() {
            return Err(Failure::usage("nothing to do: --close with --into, --move, or --plan"));
        }
        Ok(plan)
    }
}

#[derive(Serialize)]
struct Merged {
    file: String,
    dry_run: bool,
    opened: usize,
    closed: usize,
    moved: usize,
    renamed: usize,
    changes: Vec<Step>,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &MergeArgs) -> Done {
    let plan = args.plan()?;
    let mut working = Working::read(&args.file)?;
    let changes = carry_out(&mut working, &plan, now())?;
    check(&working)?;
    if !args.dry_run {
        files::replace(&args.file, working.text()?.as_bytes(), 0o644)?;
    }
    let count = |of: fn(&Step) -> bool| changes.iter().filter(|step| of(step)).count();
    let merged = Merged {
        file: args.file.display().to_string(),
        dry_run: args.dry_run,
        opened: count(|s| matches!(s, Step::Open { .. })),
        closed: count(|s| matches!(s, Step::Close { .. })),
        moved: count(|s| matches!(s, Step::Move { .. })),
        renamed: count(|s| matches!(s, Step::Rename { .. })),
        changes,
    };
    shell.answer(&merged, || {
        let counts = [merged.opened, merged.closed, merged.moved, merged.renamed];
        let [opened, closed, moved, renamed] = counts.map(|n| n.to_string());
        let word = if merged.dry_run { Word::WouldMerge } else { Word::Merged };
        let values = [merged.file.as_str(), &opened, &closed, &moved, &renamed];
        let mut lines: Vec<String> = Vec::new();
        if merged.dry_run {
            lines.extend(merged.changes.iter().map(|step| line(shell, step)));
        }
        lines.push(shell.sentence(word, &values));
        lines.join("\n")
    })?;
    Ok(DONE)
}

fn line(shell: &Shell, step: &Step) -> String {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    match step {
        Step::Open { code, name } => shell.sentence(Word::StepOpen, &[code, name]),
        Step::Close { code, name, into } => shell.sentence(Word::StepClose, &[code, name, into]),
        Step::Move { code, name, parent, node } => {
            shell.sentence(Word::StepMove, &[code, name, &or_none(parent), &or_none(node)])
        }
        Step::Rename { code, name, before } => {
            shell.sentence(Word::StepRename, &[code, before, name])
        }
    }
}
