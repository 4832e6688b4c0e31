//! `tram audit key`.

use std::path::Path;

use clap::Args;
use tram_api::model::{KeyItem, KeyQuery, KeyUse};
use tram_crypto::sha256;
use tram_dispatch::{Code, Digest, EpochId, NodeId, UnixMillis};
use tram_pki::{Serial, Subject, read_certificate, read_certificates};

use super::days::Span;
use super::sheet::{Cell, Form, Sheet, present};
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect, files, show};

/// Largest file with a certificate and its chain, bytes.
const FILE_BYTES_MAX: usize = 1 << 20;

/// List everything that a key in foreign hands touched here: what was sealed with it, or handed over and said
/// by its node, whether before or after a moment, and where each copy went.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  tram audit key keys/seal.crt --since 2026-11-20T08:00:00Z\n  tram audit key --serial 4f1c9a02 --issuer \"CN=Province CA\" --csv\n  tram audit key --node n1.H41.12 --since 2026-11-20"
)]
pub(crate) struct KeyArgs {
    /// A certificate of the key: a file (PEM or DER), or its SHA-256. That of a node stands for the node.
    #[arg(value_name = "CERTIFICATE", required_unless_present_any = ["serial", "node"])]
    certificate: Option<String>,
    /// The serial number of a seal's certificate, hexadecimal.
    #[arg(long, requires = "issuer", conflicts_with_all = ["certificate", "node"])]
    serial: Option<Serial>,
    /// The issuer of that certificate, as `tram pki show` writes it.
    #[arg(long, requires = "serial")]
    issuer: Option<String>,
    /// The keys of this node: what it handed over, and its receipts.
    #[arg(long, conflicts_with = "certificate")]
    node: Option<NodeId>,
    /// Of the node, only receipts of this epoch of its log: for the key of the log.
    #[arg(long)]
    epoch: Option<EpochId>,
    /// Since when it was in foreign hands: RFC 3339; a bare date is midnight UTC.
    #[arg(long, value_name = "TIME")]
    since: Option<UnixMillis>,
    #[command(flatten)]
    span: Span,
    /// Most items.
    #[arg(long, default_value_t = 100_000)]
    limit: u32,
    #[command(flatten)]
    form: Form,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &KeyArgs) -> Done {
    let mut query = KeyQuery {
        serial: args.serial.as_ref().map(ToString::to_string),
        issuer: args.issuer.clone(),
        node: args.node.clone().map(Into::into),
        epoch: args.epoch.map(Into::into),
        since: args.since.map(Into::into),
        from: args.span.begin(),
        to: args.span.end(),
        ..KeyQuery::default()
    };
    if let Some(named) = &args.certificate {
        name(&mut query, named)?;
    }
    let client = connect::client(shell, connect::READERS)?;
    let items = connect::block_on(show::sparse_pages(args.limit, |after, limit| {
        let query = KeyQuery { after, limit: Some(limit), ..query.clone() };
        let client = &client;
        async move { Ok(client.audit_key(&query).await?) }
    }))?;
    present(shell, &args.form, &items, &sheet(shell, &items))?;
    Ok(DONE)
}

/// Puts what a file or a text names into the question.
fn name(query: &mut KeyQuery, named: &str) -> Result<(), Failure> {
    if let Ok(digest) = named.parse::<Digest>() {
        query.certificate = Some(digest.into());
        return Ok(());
    }
    let chain = read_certificates(&files::read(Path::new(named), FILE_BYTES_MAX)?)?;
    let first = chain.first().map(|der| read_certificate(der)).transpose()?;
    let info = first.ok_or_else(|| Failure::unreadable(Path::new(named), "no certificate"))?;
    if info.is_authority {
        let detail = format!(
            "{named} is an authority's: it seals nothing. Ask for each certificate that it issued"
        );
        return Err(Failure::new(Code::BadRequest, detail));
    }
    match info.speaks_for {
        Some(Subject::Node(node)) => query.node = Some(node.into()),
        _ => query.key = Some(Digest(sha256(&info.spki)).into()),
    }
    Ok(())
}

/// A row for each copy, so that a list of whom to tell can be made of it.
fn sheet(shell: &Shell, items: &[KeyItem]) -> Sheet {
    let mut sheet = Sheet::new(&[
        ("used_for", Word::KeyUsedFor),
        ("first_custody_at", Word::FirstCustody),
        ("at", Word::Time),
        ("later", Word::BeforeOrAfter),
        ("originator", Word::From),
        ("reference", Word::Reference),
        ("recipient", Word::To),
        ("state", Word::State),
        ("outcome", Word::Outcome),
        ("peer", Word::KeyPeer),
        ("event", Word::Event),
        ("dispatch", Word::Dispatch),
        ("certificate", Word::Digest),
    ]);
    let when = |later: bool| {
        let word = shell.word(if later { Word::LaterThan } else { Word::EarlierThan });
        Cell::Two(word.to_owned(), later.to_string())
    };
    for i in items {
        let legs = i.legs.iter().map(Some);
        let none = std::iter::once(None).filter(|_| i.legs.is_empty());
        for leg in legs.chain(none) {
            let recipient = leg.map(|leg| &leg.recipient).or(i.recipient.as_ref());
            sheet.row([
                used_for(shell, i.used_for),
                i.first_custody_at.as_ref().map_or(Cell::None, |at| Cell::Time(at.0)),
                Cell::Time(i.at.0),
                i.later.map_or(Cell::None, when),
                Cell::of(&i.originator),
                Cell::maybe(i.reference.as_ref()),
                Cell::maybe(recipient),
                leg.map_or(Cell::None, |leg| Cell::of(show::leg_state(shell, leg.state))),
                leg.map_or(Cell::None, |leg| Cell::of(show::outcome(shell, leg.outcome))),
                Cell::maybe(leg.and_then(|leg| leg.peer.as_ref())),
                i.event
                    .as_ref()
                    .map_or(Cell::None, |e| Cell::Two(show::event(shell, e.0), e.to_string())),
                Cell::of(i.dispatch),
                i.certificate.map_or(Cell::None, |c| Cell::Two(c.0.short(), c.to_string())),
            ]);
        }
    }
    sheet
}

fn used_for(shell: &Shell, used_for: KeyUse) -> Cell {
    let (word, name) = match used_for {
        KeyUse::Dispatch => (Word::Dispatch, "dispatch"),
        KeyUse::Statement => (Word::KeyStatement, "statement"),
        KeyUse::Void => (Word::VoidNumber, "void"),
        KeyUse::Transfer => (Word::KeyTransfer, "transfer"),
        KeyUse::Receipt => (Word::Receipt, "receipt"),
    };
    Cell::Two(shell.word(word).to_owned(), name.to_owned())
}
