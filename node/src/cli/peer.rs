//! `tram peer`: the neighbouring nodes.

use clap::{Args, Subcommand};
use tram_api::model::{PeerRelation, PeerTest, PeerView};
use tram_config::Role;
use tram_dispatch::{Code, NodeId};

use super::shell::Shell;
use super::table::{Align, Table};
use super::texts::Word;
use super::{DONE, Done, connect, show};

#[derive(Subcommand)]
pub(crate) enum Command {
    List(ListArgs),
    Test(TestArgs),
}

/// List the nodes above, below and beside, and how the sessions are.
#[derive(Args)]
#[command(after_help = "Example:\n  tram peer list")]
pub(crate) struct ListArgs {}

/// Try the way to a neighbouring node, step by step.
///
/// Tells apart: not in the directory, no route, another protocol, certificate, name, clock,
/// another network.
#[derive(Args)]
#[command(after_help = "Example:\n  tram peer test n1.H41")]
pub(crate) struct TestArgs {
    /// The node.
    #[arg(value_name = "NODE")]
    node: NodeId,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, command: Command) -> Done {
    match command {
        Command::List(ListArgs {}) => {
            let client = connect::client(shell, &[Role::Operate, Role::Audit])?;
            let peers = connect::block_on(async { Ok(client.peers().await?.items) })?;
            shell.answer(&peers, || lines(shell, &peers))?;
            Ok(DONE)
        }
        Command::Test(args) => {
            let client = connect::client(shell, &[Role::Operate])?;
            let test = connect::block_on(async { Ok(client.test_peer(&args.node).await?) })?;
            shell.answer(&test, || steps(shell, &test))?;
            Ok(exit(&test))
        }
    }
}

/// The exit code of the step that failed.
fn exit(test: &PeerTest) -> u8 {
    if test.ok {
        return DONE;
    }
    let code = test.steps.iter().rev().find_map(|s| s.code.as_ref().map(|c| c.0));
    code.unwrap_or(Code::PeerUnreachable).row().exit
}

fn lines(shell: &Shell, peers: &[PeerView]) -> String {
    if peers.is_empty() {
        return shell.word(Word::Nothing).to_owned();
    }
    let (left, right) = (Align::Left, Align::Right);
    let mut table = Table::new(&[
        (shell.word(Word::Node), left),
        (shell.word(Word::Relation), left),
        (shell.word(Word::Session), left),
        (shell.word(Word::Since), left),
        ("RTT", right),
        (shell.word(Word::Queued), right),
        (shell.word(Word::OldestAt), left),
        (shell.word(Word::LogSize), right),
        (shell.word(Word::Addresses), left),
        (shell.word(Word::Reason), left),
    ]);
    for p in peers {
        let relation = match p.relation {
            PeerRelation::Parent => Word::Above,
            PeerRelation::Child => Word::Below,
            PeerRelation::Lateral => Word::Beside,
        };
        table.row([
            p.node.to_string(),
            shell.word(relation).to_owned(),
            shell.word(if p.connected { Word::Up } else { Word::Down }).to_owned(),
            p.since.as_ref().map(|t| shell.time(t.0)).unwrap_or_default(),
            p.rtt_ms.map(|ms| format!("{ms} ms")).unwrap_or_default(),
            p.queued.to_string(),
            p.oldest_at.as_ref().map(|t| shell.time(t.0)).unwrap_or_default(),
            p.log_size.map(|n| n.to_string()).unwrap_or_default(),
            p.addresses.join(", "),
            reason(p),
        ]);
    }
    table.lines()
}

/// Code and particulars; particulars that name the code already need none before them.
fn reason(p: &PeerView) -> String {
    match (&p.code, &p.detail) {
        (Some(code), Some(detail)) if !detail.starts_with(code.0.as_str()) => {
            format!("{code}: {detail}")
        }
        (_, Some(detail)) => detail.clone(),
        (Some(code), None) => code.to_string(),
        (None, None) => String::new(),
    }
}

fn steps(shell: &Shell, test: &PeerTest) -> String {
    let mut table = Table::new(&[
        (shell.word(Word::Step), Align::Left),
        (shell.word(Word::Result), Align::Left),
        ("ms", Align::Right),
        (shell.word(Word::Detail), Align::Left),
    ]);
    let mut remedy = String::new();
    for s in &test.steps {
        let result = match (&s.code, s.ok) {
            (_, true) => shell.word(Word::Good).to_owned(),
            (Some(code), false) => code.to_string(),
            (None, false) => shell.word(Word::Problem).to_owned(),
        };
        if let (Some(code), false) = (&s.code, s.ok) {
            let document = super::failure::Failure::new(code.0, "").document(shell.language);
            remedy = format!("{}: {}\n", shell.word(Word::Remedy), document.remedy);
        }
        table.row([
            show::named(shell, &s.step),
            result,
            s.elapsed_ms.to_string(),
            s.detail.clone(),
        ]);
    }
    format!("{}{remedy}", table.lines())
}
