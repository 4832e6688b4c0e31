//! What the tests of the command line share: a folder of their own, the binary, and the
//! documented installation.

#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(unreachable_pub, reason = "a module of test binaries")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A folder for one test.
pub struct Place {
    dir: TempDir,
}

/// What a command did.
pub struct Ran {
    words: String,
    code: Option<i32>,
    out: String,
    err: String,
}

/// The operator's document.
pub fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    fs::read_to_string(path).unwrap()
}

/// The commands of the first installation, up to the start of the nodes: every line of the `sh`
/// blocks.
pub fn installation() -> Vec<String> {
    let text = document();
    let (_, rest) = text.split_once("## First installation").unwrap();
    let (steps, _) = rest.split_once("### Start").unwrap();
    let blocks = steps.split("```sh\n").skip(1).filter_map(|b| b.split("```").next());
    blocks.flat_map(str::lines).map(str::to_owned).collect()
}

/// The commands that follow once the nodes are to run: every line of the `console` blocks of the
/// first installation.
pub fn first_steps() -> Vec<String> {
    let text = document();
    let (_, rest) = text.split_once("### Start").unwrap();
    let (steps, _) = rest.split_once("\n## ").unwrap();
    let blocks = steps.split("```console\n").skip(1).filter_map(|b| b.split("```").next());
    blocks.flat_map(str::lines).map(str::to_owned).collect()
}

/// A place where the documented installation was done.
pub fn installed() -> Place {
    installed_at(7800)
}

/// The same, with another port of the province's node.
pub fn installed_at(port: u16) -> Place {
    let place = Place::new();
    let lines = installation();
    assert!(lines.len() > 20, "{lines:?}");
    for line in lines {
        place.shell(&line.replace(":7800", &format!(":{port}"))).ok();
    }
    place
}

impl Place {
    /// A new folder.
    pub fn new() -> Self {
        Place { dir: tempfile::Builder::new().prefix("tram").tempdir().unwrap() }
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs `tram` with these words in the folder.
    pub fn tram(&self, words: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tram"));
        command.args(words);
        self.run(command, words.join(" "))
    }

    /// Starts `tram` with these words and leaves it running; it ends with this process at the
    /// latest. Its log goes to a file.
    pub fn start(&self, words: &[&str], log: &str) -> Child {
        Command::new(env!("CARGO_BIN_EXE_tram"))
            .args(words)
            .current_dir(self.dir.path())
            .env("TRAM_EXIT_ON_STDIN_EOF", "1")
            .stdin(Stdio::piped())
            .stderr(fs::File::create(self.path(log)).unwrap())
            .spawn()
            .unwrap()
    }

    /// Runs a line as typed in a shell, with `tram` on the path.
    pub fn shell(&self, line: &str) -> Ran {
        let bin = Path::new(env!("CARGO_BIN_EXE_tram")).parent().unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("sh");
        command.args(["-c", line]).env("PATH", format!("{}:{path}", bin.display()));
        self.run(command, line.to_owned())
    }

    fn run(&self, mut command: Command, words: String) -> Ran {
        for variable in ["TRAM_CONFIG", "TRAM_SOCKET", "TRAM_AGENCY", "LC_ALL", "LC_MESSAGES"] {
            command.env_remove(variable);
        }
        command.env("LANG", "C.UTF-8").current_dir(self.dir.path());
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let code = output.status.code();
        Ran { words, code, out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Ran {
    /// What it printed; it must have gone well.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "tram {}\n{}{}", self.words, self.out, self.err);
        self.out
    }

    /// What it complained; it must have ended with this exit code, for this code of the table.
    #[track_caller]
    pub fn fails(self, exit: i32, code: &str) -> String {
        let Ran { words, code: ended, out, err } = self;
        assert_eq!(ended, Some(exit), "tram {words}\n{out}{err}");
        assert!(err.starts_with(&format!("tram: {code}\n")), "{words}\n{err}");
        err
    }

    /// Exit code, standard output and standard error, whatever came of it.
    pub fn both(self) -> (i32, String, String) {
        (self.code.unwrap_or(-1), self.out, self.err)
    }
}
