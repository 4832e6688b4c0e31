//! Who calls is who connected, by the kernel of the machine: a socket that is passed on stays its opener's, and the
//! root of a user namespace is the user who made it.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use tram_api::{Access, Limits, Role, Rule, Who};

use crate::fake::Fake;
use crate::harness::{Running, start};

const NOBODY: u32 = 65_534;

/// Parts of the programs below. Each is a process of its own, for only one without other threads can become
/// somebody else; it begins as root, and prints the status and the words of the answer.
const PARTS: &str = r#"
import ctypes, os, socket, sys
def become(uid):
    os.setgroups([]); os.setgid(uid); os.setuid(uid)
def connected():
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    return s
def ask(s):
    s.sendall(b'GET /v1/log HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    said = b''
    while part := s.recv(4096):
        said += part
    print(said.decode()[9:])
def passed(opener, asker):
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        become(opener)
        s = connected()
        socket.send_fds(theirs, [b'x'], [s.fileno()])
        os._exit(0)
    os.wait()
    theirs.close()
    _, fds, _, _ = socket.recv_fds(ours, 1, 1)
    become(asker)
    ask(socket.socket(fileno=fds[0]))
"#;

/// A node at which root alone may ask, and whose socket everybody may reach.
async fn reachable() -> Running {
    let root =
        Rule { who: Who::Uid(0), agencies: tram_api::Agencies::All, roles: [Role::Audit].into() };
    let node = start(Fake::default(), Access::new(vec![root]), Limits::default()).await;
    let folder = node.path.parent().unwrap();
    let home = folder.parent().unwrap();
    for (path, mode) in [(home, 0o755), (folder, 0o755), (&*node.path, 0o666)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    node
}

/// Runs a program behind [`PARTS`]: what it prints, or why it did not end well.
async fn program(socket: &Path, what: &str) -> Result<String, String> {
    let (script, socket) = (format!("{PARTS}\n{what}"), socket.to_owned());
    let run = move || Command::new("python3").args(["-c", &script]).arg(socket).output();
    let ran = tokio::task::spawn_blocking(run).await.unwrap().expect("python3 runs");
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    if ran.status.success() { Ok(said) } else { Err(String::from_utf8_lossy(&ran.stderr).into()) }
}

#[allow(clippy::print_stdout, reason = "says what was left out")]
fn is_root(what: &str) -> bool {
    let root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    if !root {
        println!("######## SKIPPED: {what}: only root can become somebody else");
    }
    root
}

#[tokio::test]
#[ignore = "needs root and python3"]
async fn needs_root_a_socket_passed_on_stays_its_openers() {
    if !is_root("sockets passed on") {
        return;
    }
    let node = reachable().await;
    // The documented limit: what root opened and gave away asks as root.
    let said = program(&node.path, &format!("passed(0, {NOBODY})")).await.unwrap();
    assert!(said.starts_with("200"), "{said}");
    // And what somebody else opened is not root's because root asks through it.
    let said = program(&node.path, &format!("passed({NOBODY}, 0)")).await.unwrap();
    assert!(said.starts_with("403") && said.contains(&format!("uid {NOBODY} ")), "{said}");
    let said = program(&node.path, "ask(connected())").await.unwrap();
    assert!(said.starts_with("200"), "{said}");
}

#[tokio::test]
#[ignore = "needs root, python3 and user namespaces"]
#[allow(clippy::print_stdout, reason = "says what was left out")]
async fn needs_root_the_root_of_a_user_namespace_is_who_made_it() {
    if !is_root("user namespaces") {
        return;
    }
    let node = reachable().await;
    // As `unshare -Ur` does: after this it is user 0 of its own namespace. A process that changed its user may
    // not write its map until it says that it may be looked at (prctl 4).
    let enter = format!(
        "become({NOBODY})\n\
         libc = ctypes.CDLL(None)\n\
         libc.prctl(4, 1, 0, 0, 0)\n\
         if libc.unshare(0x10000000) != 0: sys.exit('NO NAMESPACES')\n\
         for name, text in [('setgroups', 'deny'), ('uid_map', '0 {NOBODY} 1'), ('gid_map', '0 {NOBODY} 1')]:\n    \
             open('/proc/self/' + name, 'w').write(text)\n\
         assert os.getuid() == 0 and os.getgid() == 0\n\
         ask(connected())"
    );
    match program(&node.path, &enter).await {
        Ok(said) => {
            assert!(said.starts_with("403") && said.contains(&format!("uid {NOBODY} ")), "{said}");
        }
        Err(why) if why.contains("NO NAMESPACES") => {
            println!("######## SKIPPED: user namespaces: this kernel gives users none");
        }
        Err(why) => panic!("{why}"),
    }
}
