//! Every bad file is refused, quickly, with the element named; in a process that stays small.

use std::collections::BTreeSet;
use std::io::{self, BufReader, Cursor};
use std::process::Command;
use std::time::Duration;

use tram_dispatch::Code;
use tram_dispatch::text::is_plain;
use tram_edxml::{EdxmlError, Fault, Reading, Sink, read, unfold};

use crate::bad::{self, Bad};

/// How many there are at the least.
const FILES_MIN: usize = 300;
/// Most processor time for one: nothing is waited for, so on a machine with nothing else to do it is the time.
const TIME_MAX: Duration = Duration::from_secs(1);
/// The most memory that the process may have held.
const MEMORY_KIB_MAX: u64 = 64 << 10;
/// Says to a test that it is the child.
const CHILD: &str = "TRAM_TEST_EDXML_CHILD";

/// Keeps attachments as the product keeps them in files.
#[derive(Default)]
struct Kept(Vec<Vec<u8>>);

impl Sink for Kept {
    fn begin(&mut self, _: usize) -> io::Result<()> {
        self.0.push(Vec::new());
        Ok(())
    }

    fn piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.last_mut().expect("begun").extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self, _: usize) -> io::Result<()> {
        Ok(())
    }
}

/// Reads as the product does, hidden ZIPs unfolded.
fn taken(bad: &Bad) -> Result<Reading, EdxmlError> {
    let mut kept = Kept::default();
    let reading = read(BufReader::new((bad.open)()), &mut kept, &bad.limits)?;
    for (index, (attachment, bytes)) in reading.attachments.iter().zip(&kept.0).enumerate() {
        let name = attachment.described.name.clone().unwrap_or_default();
        let nth = if index == 0 { String::new() } else { format!("[{}]", index + 1) };
        unfold(Cursor::new(bytes), &mut io::sink(), &name, &bad.limits).map_err(|fault| {
            let place = format!("edXML/AttachmentEncoded/Attachment{nth}");
            EdxmlError { fault, place, offset: reading.size }
        })?;
    }
    Ok(reading)
}

/// What is wrong with how one is answered.
fn wrong(bad: &Bad) -> Option<String> {
    let start = processor_time();
    let answer = taken(bad);
    let took = processor_time() - start;
    let Bad { name, place, .. } = bad;
    let error = match answer {
        Ok(_) => return Some(format!("{name}: was read")),
        Err(error) => error,
    };
    if took > TIME_MAX {
        return Some(format!("{name}: took {took:?}"));
    }
    if error.place.is_empty() || !error.place.ends_with(place.as_str()) {
        return Some(format!("{name}: {error}; the place should end in {place}"));
    }
    if !is_plain(&error.to_string()) || error.to_string().len() > 1000 {
        return Some(format!("{name}: cannot be shown: {error}"));
    }
    let expected = [Code::EdxmlMalformed, Code::EdxmlUnsupported, Code::TooLarge];
    let told = matches!(error.fault, Fault::Input(_) | Fault::Sink(_));
    (told || !expected.contains(&error.code()))
        .then(|| format!("{name}: {:?}: {error}", error.code()))
}

#[test]
fn every_bad_file_is_refused_in_a_second_with_the_element_named() {
    let all = bad::all();
    let names: BTreeSet<&str> = all.iter().map(|b| b.name.as_str()).collect();
    assert_eq!(names.len(), all.len(), "a name stands twice");
    assert!(all.len() >= FILES_MIN, "{}", all.len());
    let faults: Vec<String> = all.iter().filter_map(wrong).collect();
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), all.len(), faults.join("\n"));
}

#[test]
fn the_good_ones_they_are_made_from_are_read() {
    let good = bad::SAMPLE.as_bytes().to_vec();
    let open = Box::new(move || -> Box<dyn io::Read> { Box::new(Cursor::new(good.clone())) });
    let limits = tram_edxml::Limits::DEFAULT;
    let good = Bad { name: String::new(), open, place: String::new(), limits };
    assert_eq!(taken(&good).unwrap().attachments.len(), 2);
}

#[test]
fn a_process_that_reads_them_all_stays_within_64_mib() {
    let own = std::env::current_exe().unwrap();
    let name = "refusing::child_reads_them_all";
    let child = Command::new(own)
        .args(["--exact", name, "--nocapture", "--test-threads", "1"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}");
    let told = said.lines().find_map(|l| l.split_once("refused=")).map(|(_, told)| told);
    let told = told.unwrap_or_else(|| panic!("{said}"));
    let (refused, kib) = told.split_once(" VmHWM=").unwrap();
    let (refused, kib): (usize, u64) = (refused.parse().unwrap(), kib.trim().parse().unwrap());
    assert!(refused >= FILES_MIN, "{refused}");
    assert!((1 << 10..MEMORY_KIB_MAX).contains(&kib), "{kib} KiB");
}

/// Does nothing unless it is the child.
#[test]
fn child_reads_them_all() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let refused = bad::all().iter().filter(|bad| taken(bad).is_err()).count();
    println!("refused={refused} VmHWM={}", highest_kib());
}

/// What this thread has had of a processor so far.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

/// The highest resident size of this process so far, KiB.
pub(crate) fn highest_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
