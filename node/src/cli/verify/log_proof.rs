//! Proofs that a receipt log was split: two signed checkpoints, checked off line.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use tram_dispatch::codes::exit;
use tram_dispatch::text::escaped;
use tram_trust::{Crls, Options, Verifier};

use super::VerifyArgs;
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{Done, files, inspect, table};
use crate::daemon::proofs::{Judged, LogProof, PROOF_BYTES_MAX};

/// One proof and what it comes to.
#[derive(Serialize)]
struct Found {
    file: String,
    node: String,
    held_by: String,
    code: String,
    /// One key signed two histories.
    proved: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// The proofs among the arguments; `None` where there are only other files.
pub(super) fn among(args: &VerifyArgs) -> Result<Option<Vec<PathBuf>>, Failure> {
    let mut found = Vec::new();
    for path in &args.file {
        if files::begins(path, LogProof::is_meant)? {
            found.push(path.clone());
        }
    }
    match found.len() {
        0 => Ok(None),
        all if all == args.file.len() => Ok(Some(found)),
        _ => Err(Failure::usage("proofs against a log are verified by themselves")),
    }
}

/// Verifies proofs. The exit code is 0 if all prove what they say, 1 if one is false, else 3.
pub(super) fn run(shell: &Shell, args: &VerifyArgs, paths: &[PathBuf]) -> Done {
    let root = inspect::root(&args.root)?;
    let Some(path) = &args.directory else {
        return Err(Failure::usage("a proof brings no directory: give --directory FILE"));
    };
    let directory = inspect::directory(&root, path)?;
    let (root, directory) = (Arc::new(root), Arc::new(directory));
    let verifier = Verifier::new(root, directory, Crls::none(), Options::default());
    let (mut all, mut code) = (Vec::new(), exit::DONE);
    for path in paths {
        let bytes = files::read(path, PROOF_BYTES_MAX as usize)?;
        let proof = LogProof::parse(&bytes).map_err(|e| Failure::unreadable(path, e))?;
        let (proved, detail) = match proof.judge(&verifier) {
            Ok(Judged::Proved) => (true, None),
            Ok(Judged::NotProved(why)) => {
                code = if code == exit::DONE { exit::LATER } else { code };
                (false, Some(why.to_owned()))
            }
            Err(why) => {
                code = exit::REFUSED;
                (false, Some(escaped(&why)))
            }
        };
        all.push(Found {
            file: path.display().to_string(),
            node: escaped(&proof.node),
            held_by: escaped(&proof.held_by),
            code: escaped(&proof.code),
            proved,
            detail,
        });
    }
    shell.answer(&all, || {
        let lines = all.iter().map(|f| {
            let word = if f.proved { Word::Proved } else { Word::NotProved };
            table::pairs(&[
                (shell.word(Word::LogProof), f.file.clone()),
                (shell.word(Word::Node), f.node.clone()),
                (shell.word(Word::Reason), f.code.clone()),
                (shell.word(Word::Result), shell.word(word).to_owned()),
                (shell.word(Word::What), f.detail.clone().unwrap_or_default()),
            ])
        });
        lines.collect::<Vec<String>>().join("\n\n")
    })?;
    Ok(code)
}
