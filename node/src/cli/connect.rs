//! The way to the running node: which socket, in which role, and waiting for its answer.

use std::env;
use std::future::Future;
use std::path::{Path, PathBuf};

use tram_api::Client;
use tram_config::{Accounts, CONFIG_BYTES_MAX, Config, Role};
use tram_dispatch::{AgencyCode, Code};

use super::failure::Failure;
use super::files;
use super::shell::Shell;

/// Where the configuration is looked for when nobody says.
pub(crate) const PLACES: [&str; 2] = ["tram.toml", "/etc/tram/tram.toml"];
/// Names the agency that a clerk acts for.
const AGENCY_VARIABLE: &str = "TRAM_AGENCY";

/// The configuration file: the one named, or the first that is there.
pub(crate) fn config_file(shell: &Shell) -> Option<PathBuf> {
    let found = || PLACES.iter().map(PathBuf::from).find(|p| p.exists());
    shell.config.clone().or_else(found)
}

/// The configuration file, or what to do about its absence.
///
/// # Errors
/// `CONFIG_INVALID`.
pub(crate) fn required_config_file(shell: &Shell) -> Result<PathBuf, Failure> {
    config_file(shell).ok_or_else(|| {
        let [here, system] = PLACES;
        let detail = format!("no configuration: --config not given, no ./{here}, no {system}");
        Failure::new(Code::ConfigInvalid, detail)
    })
}

/// Reads the configuration without looking at the files it names: a clerk may not see the keys.
///
/// # Errors
/// `CONFIG_INVALID`, `UNREADABLE`.
pub(crate) fn read_config(path: &Path) -> Result<Config, Failure> {
    let bytes_max = usize::try_from(CONFIG_BYTES_MAX).unwrap_or(usize::MAX);
    let text = files::read_text(path, bytes_max)?;
    Ok(Config::parse(&text, &files::absolute(path), &Accounts::of_system())?)
}

/// Roles that let somebody read evidence, the farthest reaching first.
pub(crate) const READERS: &[Role] =
    &[Role::Audit, Role::Submit, Role::Collect, Role::Read, Role::Operate];

/// A client of the node: through the door of another machine where one is named, else on the socket where
/// this user has the first of these roles that any socket gives.
///
/// # Errors
/// `NODE_UNREACHABLE` when nothing says where the node is; those of the configuration.
pub(crate) fn client(shell: &Shell, roles: &[Role]) -> Result<Client, Failure> {
    let client = match shell.remote.client()? {
        Some(client) => client,
        None => Client::new(socket(shell, roles)?),
    };
    Ok(client.language(shell.language))
}

fn socket(shell: &Shell, roles: &[Role]) -> Result<PathBuf, Failure> {
    if let Some(path) = &shell.socket {
        return Ok(path.clone());
    }
    let Some(file) = config_file(shell) else {
        let detail =
            "which node? give --socket PATH, --config FILE or --url URL, or set TRAM_SOCKET";
        return Err(Failure::new(Code::NodeUnreachable, detail));
    };
    let config = read_config(&file)?;
    let uid = rustix::process::geteuid().as_raw();
    // The kernel shows the node the effective group only, so only that one counts here.
    let gids = [rustix::process::getegid().as_raw()];
    let open = roles
        .iter()
        .find_map(|role| config.sockets.iter().find(|s| s.permits(uid, &gids, *role, None)));
    // Where no socket lets this user in, the node itself says why best.
    let chosen = open.or(config.sockets.first());
    chosen.map(|s| s.path.clone()).ok_or_else(|| {
        Failure::new(Code::ConfigInvalid, format!("{}: no [[sockets]]", file.display()))
    })
}

/// The agency a clerk acts for: the one named, the environment's, or the one whose node this is, by
/// the configuration or, where only a socket is given, by what the node says.
///
/// # Errors
/// `BAD_REQUEST` when nothing names one; `NODE_UNREACHABLE`.
pub(crate) fn agency(shell: &Shell, named: Option<&AgencyCode>) -> Result<AgencyCode, Failure> {
    if let Some(code) = named {
        return Ok(code.clone());
    }
    if let Ok(text) = env::var(AGENCY_VARIABLE) {
        let bad = |e| Failure::usage(format!("{AGENCY_VARIABLE}: {e}"));
        return AgencyCode::parse(&text).map_err(bad);
    }
    // A socket may be that of another node than the configuration that lies here by chance.
    let elsewhere = shell.socket.is_some() || shell.remote.is_named();
    let file = if elsewhere { shell.config.clone() } else { config_file(shell) };
    if let Some(file) = file {
        return Ok(read_config(&file)?.node.agency());
    }
    if elsewhere {
        let client = client(shell, READERS)?;
        match block_on(async { Ok(client.log_head().await?) }) {
            Ok(head) => return Ok(head.node.0.agency()),
            // Who may not ask must say.
            Err(failure) if failure.code() == Code::NotAuthorised => {}
            Err(failure) => return Err(failure),
        }
    }
    Err(Failure::usage(format!("which agency? give --agency CODE, or set {AGENCY_VARIABLE}")))
}

/// Waits for a future on this thread.
///
/// # Errors
/// `INTERNAL` when the system gives no event queue.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(Code::Internal, format!("no event loop: {e}")))?
        .block_on(future)
}
