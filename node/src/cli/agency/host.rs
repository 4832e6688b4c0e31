//! `tram agency host`: an agency without a system of its own gets its accounts at this node.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use tram_config::{Accounts, Agencies, CONFIG_BYTES_MAX, Config, Rule, Who};
use tram_dispatch::{AgencyCode, Code};
use tram_pki::{Key, Subject};
use tram_trust::{Directory, Resolution};

use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect, files, inspect};

/// Give an agency without a system of its own its accounts at this node.
///
/// Adds to the configuration file: a clerk who sends, registers and reports, a reader who only reads and
/// follows, and, with --cert and --key, the agency's sealing key, so that the node seals for it. The
/// directory must say that this node hosts the agency. The whole file is read again before anything is
/// written; the node reads it at its next start.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  tram agency host H41.12.05 --clerk vt-h411205 --reader ld-h411205\n  tram \
agency host H41.12.05 --clerk vt-h411205 --cert keys/h411205.crt --key keys/h411205.key --dry-run"
)]
pub(crate) struct HostArgs {
    /// The agency.
    #[arg(value_name = "CODE")]
    agency: AgencyCode,
    /// System account of its clerk (văn thư): a name, or a number.
    #[arg(long, value_name = "USER")]
    clerk: String,
    /// System account of who reads, and changes nothing (lãnh đạo); may be repeated.
    #[arg(long, value_name = "USER")]
    reader: Vec<String>,
    /// The socket that they use, by its name in the configuration; otherwise every one.
    #[arg(long, value_name = "NAME")]
    at: Option<String>,
    /// The agency's seal certificate with those above it, PEM.
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// Its private key, PKCS#8 PEM, mode 0600.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Show what would be added, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Hosted {
    agency: String,
    config: String,
    added: String,
    written: bool,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &HostArgs) -> Done {
    let file = connect::required_config_file(shell)?;
    let bytes_max = usize::try_from(CONFIG_BYTES_MAX).unwrap_or(usize::MAX);
    let before = files::read_text(&file, bytes_max)?;
    let config = connect::read_config(&file)?;
    let root = inspect::root(&config.root)?;
    is_here(&inspect::directory(&root, &config.directory)?, &config, &args.agency)?;
    if let (Some(cert), Some(key)) = (&args.cert, &args.key) {
        may_seal(cert, key, &args.agency)?;
    }
    let added = addition(args, &file)?;
    let end = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    let after = format!("{before}{end}{added}");
    let whole = Config::parse(&after, &files::absolute(&file), &Accounts::of_system())?;
    is_new(&config, &whole, &args.agency)?;
    let hosted = Hosted {
        agency: args.agency.to_string(),
        config: file.display().to_string(),
        added: added.clone(),
        written: !args.dry_run,
    };
    if !args.dry_run {
        append(&file, &format!("{end}{added}"))?;
    }
    shell.answer(&hosted, || {
        let word = if hosted.written { Word::AgencyHosted } else { Word::AgencyWouldBeHosted };
        format!("{}\n{added}", shell.sentence(word, &[&hosted.agency, &hosted.config]))
    })?;
    Ok(DONE)
}

/// Whether the directory says that this node holds the agency's mailbox.
fn is_here(directory: &Directory, config: &Config, agency: &AgencyCode) -> Result<(), Failure> {
    let (code, detail) = match directory.resolve(agency) {
        Resolution::Open(found) if found.code != *agency => {
            (Code::BadRequest, format!("{agency} is a former code of {}", found.code))
        }
        Resolution::Open(found) if found.node.as_ref() == Some(&config.node) => return Ok(()),
        Resolution::Open(found) => {
            let detail = match &found.node {
                Some(node) => format!("the directory says that {agency} is hosted by {node}"),
                None => format!("the directory names no node for {agency}"),
            };
            (Code::OriginatorNotHere, detail)
        }
        Resolution::Successor { to, .. } => {
            (Code::AgencyClosed, format!("{agency} is closed; its successor is {}", to.code))
        }
        Resolution::Closed => (Code::AgencyClosed, format!("{agency} is closed")),
        Resolution::Unknown => (Code::RecipientUnknown, format!("agency {agency}")),
    };
    Err(Failure::new(code, detail))
}

/// Whether the certificate is the agency's, and the key belongs to it.
fn may_seal(cert: &Path, key: &Path, agency: &AgencyCode) -> Result<(), Failure> {
    let (_, leaf) = inspect::chain_of(cert, &Key::read(key)?)?;
    match &leaf.speaks_for {
        Some(Subject::Seal(of)) if of != agency => Err(Failure::new(
            Code::OriginatorMismatch,
            format!("{}: it is the seal of {of}, not of {agency}", cert.display()),
        )),
        Some(Subject::Node(node)) => Err(Failure::new(
            Code::CertificateInvalid,
            format!("{}: it is of node {node}, and seals nothing", cert.display()),
        )),
        // One without our names may be bound in the directory.
        _ => Ok(()),
    }
}

/// The text to be added to the file.
fn addition(args: &HostArgs, file: &Path) -> Result<String, Failure> {
    let agency = &args.agency;
    let mut text = format!("\n# {agency}, hosted here.\n");
    let clerk = [(&args.clerk, "[\"submit\", \"collect\"]")];
    let readers = args.reader.iter().map(|user| (user, "[\"read\"]"));
    for (user, roles) in clerk.into_iter().chain(readers) {
        text.push_str("[[access]]\n");
        if let Some(socket) = &args.at {
            let _ = writeln!(text, "socket = {}", quoted(socket)?);
        }
        let is_number = !user.is_empty() && user.bytes().all(|b| b.is_ascii_digit());
        let _ = match is_number {
            true => writeln!(text, "uid = {user}"),
            false => writeln!(text, "user = {}", quoted(user)?),
        };
        let _ = writeln!(text, "agencies = [{}]\nroles = {roles}\n", quoted(agency.as_str())?);
    }
    if let (Some(cert), Some(key)) = (&args.cert, &args.key) {
        let (cert, key) = (beside(file, cert), beside(file, key));
        let agency = quoted(agency.as_str())?;
        let (cert, key) = (quoted(&cert)?, quoted(&key)?);
        let _ = writeln!(text, "[[seals]]\nagency = {agency}\ncertificate = {cert}\nkey = {key}");
    }
    Ok(text)
}

/// A path as the file is to name it: relative to its folder where it lies below it, else whole.
fn beside(file: &Path, path: &Path) -> String {
    let (file, path) = (files::absolute(file), files::absolute(path));
    let below = file.parent().and_then(|folder| path.strip_prefix(folder).ok());
    below.unwrap_or(&path).display().to_string()
}

/// A text in TOML.
fn quoted(text: &str) -> Result<String, Failure> {
    if text.is_empty() || !tram_dispatch::text::is_plain(text) {
        return Err(Failure::usage("an empty text, or one with control characters"));
    }
    Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// Whether each of the rules that came is one that was not there.
fn is_new(before: &Config, after: &Config, agency: &AgencyCode) -> Result<(), Failure> {
    let own = |config: &Config| -> Vec<(String, Rule)> {
        let of = |r: &&Rule| matches!(&r.agencies, Agencies::Only(set) if set.contains(agency));
        let sockets = config.sockets.iter();
        let rules =
            sockets.flat_map(|s| s.rules.iter().filter(of).map(|r| (s.name.clone(), r.clone())));
        rules.collect()
    };
    let (old, new) = (own(before), own(after));
    let twice = new.iter().enumerate().find(|(i, rule)| new[..*i].contains(rule));
    if let Some((_, (socket, rule))) = twice {
        let who = match rule.who {
            Who::Uid(uid) => format!("uid {uid}"),
            Who::Gid(gid) => format!("gid {gid}"),
            Who::Any => "any".to_owned(),
        };
        let detail = format!("{who} has this role for {agency} on socket \"{socket}\" already");
        return Err(Failure::new(Code::ConfigInvalid, detail));
    }
    debug_assert!(new.len() > old.len());
    Ok(())
}

/// Adds to the file, which keeps its owner and mode.
fn append(file: &Path, text: &str) -> Result<(), Failure> {
    let failed = |e: std::io::Error| Failure::unreadable(file, e);
    let mut open = OpenOptions::new().append(true).open(file).map_err(failed)?;
    open.write_all(text.as_bytes()).map_err(failed)?;
    open.sync_all().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(clerk: &str, reader: &str) -> HostArgs {
        HostArgs {
            agency: "H41.12.05".parse().unwrap(),
            clerk: clerk.to_owned(),
            reader: vec![reader.to_owned()],
            at: Some("clerk".to_owned()),
            cert: Some("/srv/tram/keys/a.crt".into()),
            key: Some("/other/a.key".into()),
            dry_run: true,
        }
    }

    #[test]
    fn what_is_added_is_two_accounts_and_a_seal() {
        let text = addition(&args("1000", "ld \"x\""), Path::new("/srv/tram/tram.toml")).unwrap();
        let parsed: toml::Table = toml::from_str(&text).unwrap();
        let access = parsed["access"].as_array().unwrap();
        assert_eq!(access[0]["uid"].as_integer(), Some(1000));
        assert_eq!(access[1]["user"].as_str(), Some("ld \"x\""));
        assert_eq!(access[1]["roles"].as_array().unwrap()[0].as_str(), Some("read"));
        assert_eq!(access[0]["agencies"].as_array().unwrap()[0].as_str(), Some("H41.12.05"));
        let seal = &parsed["seals"].as_array().unwrap()[0];
        assert_eq!(seal["certificate"].as_str(), Some("keys/a.crt"));
        assert_eq!(seal["key"].as_str(), Some("/other/a.key"));
        assert!(addition(&args("a\nroles", "b"), Path::new("/x")).is_err());
    }
}
