//! `tram sandbox`: two nodes with test keys on one machine, for those who connect a system.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;
use tram_api::Language;
use tram_crypto::SystemEntropy;

use super::failure::DemoError;
use super::folder::Folder;
use super::network::{DemoNode, Network, Shape, sockets_fit};
use super::page::Page;
use super::processes::Processes;
use super::setup::CONFIG_FILE;
use super::tiers::{TIERS, node};
use super::{Signals, wall_now};

/// Pause between two looks whether the nodes still run.
const LOOK: Duration = Duration::from_secs(1);

/// What the person asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct SandboxOptions {
    /// Say where everything is as one line of JSON.
    pub(crate) json: bool,
    /// Where everything is, and stays for the next run; otherwise a folder of its own, which goes away.
    pub(crate) dir: Option<PathBuf>,
    /// The language of the words.
    pub(crate) lang: Language,
}

/// Runs the two nodes until a signal. 0 if they stopped in order.
pub(crate) fn run(options: &SandboxOptions) -> ExitCode {
    let page = Page::new(options.lang);
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| DemoError::System("the runtime cannot be started", e))
        .and_then(|runtime| runtime.block_on(whole(options, page)));
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            page.wrong(error.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn whole(options: &SandboxOptions, page: Page) -> Result<bool, DemoError> {
    // From here on a signal is waited for, not deadly: whatever it interrupts is cleaned up.
    let mut signals = Signals::new()?;
    let mut entropy = SystemEntropy::new();
    let there = options.dir.as_deref().filter(|dir| is_sandbox(dir));
    let (dir, folder) = match there {
        Some(dir) => (std::path::absolute(dir).map_err(|e| DemoError::file(dir, e))?, None),
        None => {
            let folder = Folder::new(options.dir.as_deref(), &mut entropy)?;
            (folder.path().to_owned(), Some(folder))
        }
    };
    if !sockets_fit(&dir) {
        let words = "its path is too long for sockets: choose a shorter one";
        return Err(DemoError::file(&dir, std::io::Error::other(words)));
    }
    let nodes = match &folder {
        Some(_) => Network::create(Shape::PAIR, &dir, &dir, wall_now(), &mut entropy)?.nodes,
        None => nodes_in(&dir),
    };
    let mut processes = Processes::start(&dir, &nodes)?;
    tokio::select! {
        ready = processes.ready(&nodes) => {
            ready?;
        }
        _ = signals.any() => return Ok(processes.stop().await),
    }
    tell(options, page, &dir, &nodes);
    loop {
        tokio::select! {
            _ = signals.any() => break,
            () = tokio::time::sleep(LOOK) => processes.alive()?,
        }
    }
    Ok(processes.stop().await)
}

/// Whether a folder holds a sandbox: it is gone on with.
fn is_sandbox(dir: &Path) -> bool {
    TIERS.iter().take(Shape::PAIR.tiers).all(|tier| dir.join(tier.code).join(CONFIG_FILE).is_file())
        && TIERS.iter().skip(Shape::PAIR.tiers).all(|tier| !dir.join(tier.code).exists())
}

/// The nodes of a sandbox that is there.
fn nodes_in(dir: &Path) -> Vec<DemoNode> {
    let node = |tier: super::tiers::Tier| {
        let folder = dir.join(tier.code);
        DemoNode {
            id: node(tier.code),
            config: folder.join(CONFIG_FILE),
            listen: None,
            socket: dir.join(format!("{}.sock", tier.code)),
            log: folder.join("log"),
            tier,
        }
    };
    TIERS.into_iter().take(Shape::PAIR.tiers).map(node).collect()
}

fn tell(options: &SandboxOptions, page: Page, dir: &Path, nodes: &[DemoNode]) {
    let below = nodes.last();
    let socket = below.map(|n| n.socket.display().to_string()).unwrap_or_default();
    let curl = format!("curl -s --unix-socket {socket} http://localhost/v1/status");
    if options.json {
        let listed = |n: &DemoNode| {
            json!({
                "node": n.id.as_str(), "agency": n.tier.code,
                "socket": n.socket.display().to_string(),
                "config": n.config.display().to_string(),
            })
        };
        let nodes: Vec<_> = nodes.iter().map(listed).collect();
        let folder = dir.display().to_string();
        let kept = options.dir.is_some();
        page.line(
            json!({"folder": folder, "kept": kept, "nodes": nodes, "curl": curl}).to_string(),
        );
        return;
    }
    page.line(page.pick(
        "Two nodes with test keys run on this machine, and seal for their agencies. Ctrl-C stops them.",
        "Hai nút với khóa thử đang chạy trên máy này và ký số thay cơ quan. Ctrl-C để dừng.",
    ));
    page.line("");
    for n in nodes {
        page.line(format!("   {:<8} {}", n.tier.code, n.socket.display()));
    }
    let fate = match options.dir {
        Some(_) => page.pick("stays for the next run", "còn lại cho lần sau"),
        None => page.pick("goes away at the end", "bị xóa khi dừng"),
    };
    page.line(format!("   {:<8} {} ({fate})", page.pick("folder", "thư mục"), dir.display()));
    page.line("");
    page.line(format!("   {curl}"));
    page.line("");
}
