//! `tram status`: the node at a glance.

use clap::Args;
use tram_api::model::{AgencyQuotaView, NodeState, StatusView};
use tram_config::Role;
use tram_dispatch::codes::exit;
use tram_dispatch::text::escaped;

use super::shell::Shell;
use super::table::{self, Align, Table};
use super::texts::Word;
use super::{DONE, Done, connect, show};

/// Show the node at a glance: health, queue, peers, certificates that end soon.
///
/// The exit code is 3 while an alarm needs somebody, so that a monitor can ask by it.
#[derive(Args)]
#[command(after_help = "Example:\n  tram status --json")]
pub(crate) struct StatusArgs {}

/// Runs the command.
pub(crate) fn run(shell: &Shell, _: &StatusArgs) -> Done {
    let client = connect::client(shell, &[Role::Operate, Role::Audit])?;
    let status = connect::block_on(async { Ok(client.status().await?) })?;
    shell.answer(&status, || lines(shell, &status))?;
    Ok(if status.alarms.is_empty() { DONE } else { exit::LATER })
}

/// What is in use of the node's limits, on one line.
pub(super) fn limits(shell: &Shell, s: &StatusView) -> String {
    let (open, memory, stored) = (&s.limits.open, &s.limits.memory_bytes, &s.limits.stored_bytes);
    shell.sentence(
        Word::LimitsUse,
        &[
            &open.used.to_string(),
            &open.max.to_string(),
            &table::bytes(memory.used),
            &table::bytes(memory.max),
            &table::bytes(stored.used),
            &table::bytes(stored.max),
        ],
    )
}

fn lines(shell: &Shell, s: &StatusView) -> String {
    let state = match s.state {
        NodeState::Starting => Word::Starting,
        NodeState::Ready if !s.alarms.is_empty() => Word::Degraded,
        NodeState::Ready => Word::Ready,
        NodeState::Degraded => Word::Degraded,
        NodeState::Unanchored => Word::Unanchored,
        NodeState::Halted => Word::Halted,
        NodeState::Stopping => Word::Stopping,
    };
    let agencies: Vec<String> = s.agencies.iter().map(ToString::to_string).collect();
    let q = &s.queue;
    let counts = [
        (Word::Active, q.active),
        (Word::Deferred, q.deferred),
        (Word::OnHold, q.on_hold),
        (Word::Quarantined, q.quarantined),
        (Word::Transferred, q.transferred),
        (Word::Waiting, q.waiting),
    ];
    let queue: Vec<String> =
        counts.iter().map(|(w, n)| format!("{} {n}", shell.word(*w))).collect();
    let until = s.directory_expires_at.as_ref().map(|t| shell.time(t.0)).unwrap_or_default();
    let mut out = table::pairs(&[
        (shell.word(Word::Node), s.node.to_string()),
        (shell.word(Word::State), shell.word(state).to_owned()),
        (shell.word(Word::Network), format!("{} {}", s.network_name, s.network)),
        (shell.word(Word::Since), shell.time(s.started_at.0)),
        (shell.word(Word::Agencies), agencies.join(", ")),
        (shell.word(Word::Queue), queue.join(", ")),
        (shell.word(Word::Peers), format!("{} / {}", s.peers_connected, s.peers)),
        (
            shell.word(Word::Directory),
            format!(
                "{} {}, {} {until}",
                shell.word(Word::Version),
                s.directory_version,
                shell.word(Word::ValidUntil)
            ),
        ),
        (shell.word(Word::Log), format!("{} ({})", s.log_size, s.epoch)),
        (
            shell.word(Word::Storage),
            shell.sentence(
                Word::StorageUse,
                &[&table::bytes(s.store_bytes), &table::bytes(s.free_bytes)],
            ),
        ),
        (shell.word(Word::Limits), limits(shell, s)),
        (shell.word(Word::ProgramVersion), s.version.clone()),
    ]);
    let mut agencies = Table::new(&[
        (shell.word(Word::Agency), Align::Left),
        (shell.word(Word::Active), Align::Right),
        (shell.word(Word::Size), Align::Right),
        ("", Align::Left),
    ]);
    let in_use = |a: &&AgencyQuotaView| a.open.used > 0 || a.turned_away > 0;
    for a in s.limits.agencies.iter().filter(in_use) {
        let open = format!("{} / {}", a.open.used, a.open.max);
        let size =
            format!("{} / {}", table::bytes(a.open_bytes.used), table::bytes(a.open_bytes.max));
        let turned_away = match a.turned_away {
            0 => String::new(),
            n => shell.sentence(Word::TurnedAway, &[&n.to_string()]),
        };
        agencies.row([a.agency.to_string(), open, size, turned_away]);
    }
    if !agencies.is_empty() {
        out.push_str(&format!("\n{}", agencies.lines()));
    }
    let mut certificates = Table::new(&[
        (shell.word(Word::Certificate), Align::Left),
        (shell.word(Word::Name), Align::Left),
        (shell.word(Word::ValidUntil), Align::Left),
        ("", Align::Left),
    ]);
    for c in &s.certificates {
        let renew = if c.renew { shell.word(Word::RenewNow) } else { "" };
        let purpose = show::named(shell, &c.purpose);
        certificates.row([purpose.as_str(), &c.name, &shell.time(c.not_after.0), renew]);
    }
    if !certificates.is_empty() {
        out.push_str(&format!("\n{}", certificates.lines()));
    }
    let mut lists = Table::new(&[
        (shell.word(Word::RevocationList), Align::Left),
        (shell.word(Word::Since), Align::Left),
        (shell.word(Word::ValidUntil), Align::Left),
        ("", Align::Left),
    ]);
    for list in &s.revocation {
        let overdue = if list.overdue { shell.word(Word::Overdue) } else { "" };
        let made = shell.time(list.this_update.0);
        lists.row([&list.issuer, &made, &shell.time(list.next_update.0), overdue]);
    }
    if !lists.is_empty() {
        out.push_str(&format!("\n{}", lists.lines()));
    }
    if let Some(standing) = &s.time_stamps {
        let since = standing.unstamped_since.as_ref().map(|at| shell.time(at.0));
        let since = since.unwrap_or_else(|| shell.word(Word::Nothing).to_owned());
        let trouble = standing.trouble.as_ref().map(|t| format!(" ({})", escaped(t)));
        let word = shell.word(Word::UnstampedSince);
        out.push_str(&format!("\n{word}: {since}{}", trouble.unwrap_or_default()));
    }
    out.push_str(&doors(shell, s));
    for proof in &s.proofs {
        out.push_str(&format!("\n{}: proofs/{proof}", shell.word(Word::LogProof)));
    }
    for alarm in &s.alarms {
        let failure = super::failure::Failure::new(alarm.code.0, &alarm.detail);
        let text = failure.lines(shell.language);
        let text = text.strip_prefix("tram: ").unwrap_or(&text);
        let since = format!("{} {}", shell.word(Word::Since), shell.time(alarm.since.0));
        out.push_str(&format!("\n{} {since}: {text}", shell.word(Word::Alarm)));
    }
    out
}

/// A line for each drop folder and each receiver of events.
fn doors(shell: &Shell, s: &StatusView) -> String {
    let mut out = String::new();
    let trouble = |text: &Option<String>| match text {
        Some(text) => format!(" ({})", escaped(text)),
        None => String::new(),
    };
    for folder in &s.drop_folders {
        let counts =
            [folder.to_send, folder.to_hand_over, folder.statuses, folder.sent, folder.refused];
        let counts = counts.map(|n| n.to_string());
        let counts: Vec<&str> = counts.iter().map(String::as_str).collect();
        let said = shell.sentence(Word::DropCounts, &counts);
        let (word, trouble) = (shell.word(Word::DropFolder), trouble(&folder.trouble));
        out.push_str(&format!("\n{word} {}: {said}{trouble}", folder.agency));
    }
    for hook in &s.webhooks {
        let said = shell.sentence(Word::HookCounts, &[&hook.sent.to_string()]);
        let since = hook.waiting_since.as_ref();
        let since = since.map(|at| format!(", {} {}", shell.word(Word::Since), shell.time(at.0)));
        let (word, since) = (shell.word(Word::Webhook), since.unwrap_or_default());
        let (url, trouble) = (escaped(&hook.url), trouble(&hook.trouble));
        out.push_str(&format!("\n{word} {} {url}: {said}{since}{trouble}", hook.agency));
    }
    out
}
