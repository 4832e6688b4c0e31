//! The service log: human or JSON lines on standard error, never a raw control character.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tram_config::{Log, LogFormat};
use tram_dispatch::text::{escaped, is_plain};

use crate::cli::failure::Failure;

/// Libraries whose own talk is of no use to operators below a warning.
const QUIET: &str = "quinn=warn,quinn_proto=warn,rustls=warn,hyper=warn,h2=warn";

/// Sets up the log for this process.
///
/// # Errors
/// `BAD_REQUEST` for a filter that is not one.
pub(crate) fn start(log: Log, filter: Option<&str>) -> Result<(), Failure> {
    let default = format!("{},{QUIET}", log.level.as_str());
    let filter = EnvFilter::try_new(filter.unwrap_or(&default))
        .map_err(|e| Failure::usage(format!("--log: {e}")))?;
    let json = log.format == LogFormat::Json;
    let make = move || SafeLines { out: io::stderr(), json };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
    let set = match log.format {
        LogFormat::Json => builder.json().with_writer(make).try_init(),
        LogFormat::Human => builder.with_writer(make).try_init(),
    };
    // A second start in one process (tests do so) keeps the first log.
    let _ = set;
    Ok(())
}

/// Writes one event at a time, with everything escaped that a terminal or a line-based reader
/// would obey. An event arrives whole in one call, ended by a line break.
struct SafeLines<W> {
    out: W,
    json: bool,
}

impl<W: Write> Write for SafeLines<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let safe = match (is_plain(line), self.json) {
            (true, _) => line.to_owned(),
            (false, false) => escaped(line),
            (false, true) => escaped_json(line),
        };
        self.out.write_all(safe.as_bytes())?;
        if text.ends_with('\n') {
            self.out.write_all(b"\n")?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// As [`escaped`], in the form that JSON strings know (RFC 8259 section 7).
fn escaped_json(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut units = [0; 2];
    for c in line.chars() {
        if is_plain(c.encode_utf8(&mut [0; 4])) {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

impl<W> SafeLines<W> {
    #[cfg(test)]
    fn into_inner(self) -> W {
        self.out
    }
}

/// Only says that the closure above is what the library asks for.
const _: fn() = || {
    fn is_make_writer<'a, M: MakeWriter<'a>>(_: M) {}
    is_make_writer(|| SafeLines { out: io::stderr(), json: true });
};

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, json: bool) -> String {
        let mut lines = SafeLines { out: Vec::new(), json };
        assert_eq!(lines.write(text.as_bytes()).unwrap(), text.len());
        String::from_utf8(lines.into_inner()).unwrap()
    }

    #[test]
    fn an_event_stays_one_line_without_control_characters() {
        assert_eq!(written("INFO a\n", false), "INFO a\n");
        let text = written("INFO a\nINFO forged \u{1b}[2J\u{202e}\n", false);
        assert_eq!(text, "INFO a\\u{a}INFO forged \\u{1b}[2J\\u{202e}\n");
        let text = written("{\"m\":\"a\u{202e}b\"}\n", true);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(text.is_ascii() && value["m"] == "a\u{202e}b", "{text}");
    }
}
