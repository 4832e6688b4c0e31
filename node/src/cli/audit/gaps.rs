//! `tram audit gaps`.

use clap::Args;
use tram_api::Client;
use tram_api::model::{Gap, GapClass, GapsQuery, GapsReport, Numbering};
use tram_config::Role;
use tram_dispatch::{AgencyCode, codes};

use super::sheet::{Cell, Form, Sheet, present_as};
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect};

/// Most missing numbers asked for at a time.
const LIMIT: u32 = tram_api::limits::PAGE_ITEMS_MAX;

/// Show which numbers of an originator are missing, and why.
///
/// Two numberings are looked at, in the log of the originator's own node: the node's numbers of
/// admission, and the numbers of each series that the originator's envelopes carry. Exit code 1 means
/// that a dispatch was suppressed after it was taken; docs/auditors.md says what proves it.
#[derive(Args)]
#[command(after_help = "Example:\n  tram audit gaps --agency H41.12.03 --grace 24h")]
pub(crate) struct GapsArgs {
    /// The originator.
    #[arg(long, value_name = "AGENCY")]
    agency: AgencyCode,
    /// Only this series.
    #[arg(long, value_name = "SERIES")]
    series: Option<u64>,
    /// How long a number may be missing before it is judged: a number with s, m, h or d.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = seconds)]
    grace: u64,
    /// Most missing numbers of each numbering.
    #[arg(long, default_value_t = 10_000)]
    limit: usize,
    #[command(flatten)]
    form: Form,
}

/// A length of time in seconds.
fn seconds(text: &str) -> Result<u64, String> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let in_unit = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err("a number with s, m, h or d is needed".to_owned()),
    };
    let count = text.get(..text.len() - unit.len()).unwrap_or_default();
    let count: u64 =
        count.parse().map_err(|_| "a number with s, m, h or d is needed".to_owned())?;
    count.checked_mul(in_unit).ok_or_else(|| "too long".to_owned())
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &GapsArgs) -> Done {
    let client = connect::client(shell, &[Role::Audit])?;
    let report = connect::block_on(all(&client, args))?;
    present_as(shell, &args.form, &report, &lines(&report), || people(shell, &report))?;
    let suppressed = |n: &Numbering| n.gaps.iter().any(|g| g.class == GapClass::Suppressed);
    let found = report.numberings.iter().any(suppressed);
    Ok(if found { codes::exit::REFUSED } else { DONE })
}

/// The report with every numbering read to its end, or to the limit.
async fn all(client: &Client, args: &GapsArgs) -> Result<GapsReport, Failure> {
    let query = |series, admissions, from| GapsQuery {
        agency: args.agency.clone().into(),
        series,
        admissions,
        from,
        grace_s: Some(args.grace),
        limit: Some(LIMIT),
    };
    let mut report = client.gaps(&query(args.series, false, None)).await?;
    for numbering in &mut report.numberings {
        while numbering.gaps.len() < args.limit
            && let Some(from) = numbering.next
        {
            let admissions = numbering.series.is_none();
            let more = client.gaps(&query(numbering.series, admissions, Some(from))).await?;
            let Some(more) = more.numberings.into_iter().next() else { break };
            numbering.next = more.next;
            numbering.newest = numbering.newest.max(more.newest);
            numbering.present += more.present;
            numbering.repeated.extend(more.repeated);
            numbering.gaps.extend(more.gaps);
        }
        if numbering.gaps.len() > args.limit {
            numbering.next = numbering.gaps.get(args.limit).map(|gap| gap.number);
            numbering.gaps.truncate(args.limit);
        }
    }
    Ok(report)
}

fn people(shell: &Shell, report: &GapsReport) -> String {
    let mut out = String::new();
    for numbering in &report.numberings {
        let name = match numbering.series {
            None => shell.word(Word::Admissions).to_owned(),
            Some(series) => shell.sentence(Word::SeriesNamed, &[&series.to_string()]),
        };
        let (present, newest) = (numbering.present.to_string(), numbering.newest.to_string());
        out += &shell.sentence(Word::NumbersPresent, &[&name, &present, &newest]);
        out += "\n";
        if !numbering.repeated.is_empty() {
            let repeated: Vec<String> = numbering.repeated.iter().map(u64::to_string).collect();
            out += &shell.sentence(Word::NumbersRepeated, &[&repeated.join(", ")]);
            out += "\n";
        }
        if !numbering.gaps.is_empty() {
            out += &table(shell, &numbering.gaps);
        }
        if let Some(next) = numbering.next {
            out += &shell.sentence(Word::NumbersNotRead, &[&next.to_string()]);
            out += "\n";
        }
    }
    if report.more_series {
        out += shell.word(Word::MoreSeries);
    }
    out
}

/// The missing numbers of one numbering, for people.
fn table(shell: &Shell, gaps: &[Gap]) -> String {
    let mut sheet = Sheet::new(&[
        ("number", Word::Missing),
        ("class", Word::State),
        ("since", Word::Since),
        ("reason", Word::Reason),
        ("dispatch", Word::Dispatch),
    ]);
    for gap in gaps {
        sheet.row([
            Cell::Count(gap.number),
            Cell::of(shell.word(class(gap.class))),
            Cell::Time(gap.since.0),
            Cell::of(reason(shell, gap)),
            Cell::maybe(gap.dispatch.as_ref()),
        ]);
    }
    sheet.people(shell)
}

/// All of them, for spreadsheets.
fn lines(report: &GapsReport) -> Sheet {
    let mut sheet = Sheet::new(&[
        ("agency", Word::Agency),
        ("series", Word::Series),
        ("number", Word::Missing),
        ("class", Word::State),
        ("since", Word::Since),
        ("code", Word::Reason),
        ("dispatch", Word::Dispatch),
        ("detail", Word::Detail),
    ]);
    for numbering in &report.numberings {
        for gap in &numbering.gaps {
            sheet.row([
                Cell::of(&report.agency),
                numbering.series.map_or_else(|| Cell::of("admissions"), Cell::Count),
                Cell::Count(gap.number),
                Cell::of(gap.class.name()),
                Cell::Time(gap.since.0),
                Cell::maybe(gap.code.as_ref()),
                Cell::maybe(gap.dispatch.as_ref()),
                Cell::maybe(gap.detail.as_ref()),
            ]);
        }
    }
    sheet
}

fn class(class: GapClass) -> Word {
    match class {
        GapClass::Refused => Word::Refused,
        GapClass::Void => Word::VoidNumber,
        GapClass::Pending => Word::PendingNumber,
        GapClass::NeverSeen => Word::NeverSeen,
        GapClass::Suppressed => Word::Suppressed,
    }
}

fn reason(shell: &Shell, gap: &Gap) -> String {
    let code = gap.code.as_ref().map(ToString::to_string);
    let proof = gap.proof.as_ref().map(|p| {
        let (size, after) = (p.after.size.to_string(), p.after.admission.to_string());
        let before = p.before.as_ref();
        let (from, below) = before.map_or((1, 0), |before| (before.size, before.admission));
        let (from, below) = (from.to_string(), below.to_string());
        shell.sentence(Word::SuppressedBetween, &[&below, &from, &after, &size])
    });
    [code, proof, gap.detail.clone()].into_iter().flatten().collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(seconds("24h"), Ok(86_400));
        assert_eq!([seconds("90"), seconds("2d"), seconds("0s")], [Ok(90), Ok(172_800), Ok(0)]);
        for bad in ["", "h", "1w", "1h30m", "-1h", "99999999999999999999d"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
