//! Which nodes had which agencies before, as a file: what moved agencies had sent from there is let through
//! by a node that was started again meanwhile. It may be lost: then such a dispatch is refused, with evidence,
//! and its originator has to send it anew.

use std::io::{self, Read as _};
use std::path::Path;

use tram_dispatch::UnixMillis;
use tram_engine::HostsBefore;
use tram_trust::Directory;

use super::kept::FOLDER;

/// Its name in the folder of differences.
const NAME: &str = "hosts-before";
/// Its first line.
const HEADING: &str = "tram hosts before 1";
/// Most bytes of it that are read.
const BYTES_MAX: u64 = 128 << 20;

/// Notes who moves away by a new directory.
///
/// # Errors
/// What the disk says.
pub(super) fn learn(
    data: &Path,
    before: &Directory,
    after: &Directory,
    at: UnixMillis,
) -> io::Result<()> {
    let known = load(data);
    let mut hosts = known.clone();
    hosts.learn(before, after, at);
    if hosts == known {
        return Ok(());
    }
    let mut text = format!("{HEADING}\n");
    for (agency, node, at) in hosts.all() {
        text.push_str(&format!("{agency} {node} {}\n", at.0));
    }
    crate::daemon::files::keep(data, FOLDER, NAME, text.as_bytes()).map(|_| ())
}

/// What is known; nothing where the file is absent or damaged.
pub(crate) fn load(data: &Path) -> HostsBefore {
    let path = data.join(FOLDER).join(NAME);
    match read(&path) {
        Ok(hosts) => hosts,
        Err(error) if error.kind() == io::ErrorKind::NotFound => HostsBefore::default(),
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "who moved is not known any more: what moved agencies had sent from their old nodes is refused");
            HostsBefore::default()
        }
    }
}

fn read(path: &Path) -> io::Result<HostsBefore> {
    let mut text = String::new();
    let size = std::fs::File::open(path)?.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    let mut lines = text.lines();
    let whole = size as u64 <= BYTES_MAX && text.ends_with('\n');
    if !whole || lines.next() != Some(HEADING) {
        return Err(io::Error::other("it is not such a file"));
    }
    let mut hosts = HostsBefore::default();
    for line in lines {
        let mut fields = line.split(' ');
        let mut field = || fields.next().unwrap_or_default();
        let read = (field().parse(), field().parse(), field().parse());
        let (Ok(agency), Ok(node), Ok(at)) = read else {
            return Err(io::Error::other(format!("a line that cannot be read: {line:?}")));
        };
        hosts.note(agency, node, UnixMillis(at));
    }
    Ok(hosts)
}

#[cfg(test)]
mod tests {
    use tram_dispatch::directory::Entry;
    use tram_trust::fixtures::{COMMUNE, DISTRICT, Network};

    use super::*;

    #[test]
    fn a_directory_by_which_an_agency_moves_leaves_its_old_node_on_disk() {
        let network = Network::new("hosts before");
        let before = &network.directory;
        let mut entries: Vec<Entry> = before.agencies().cloned().map(Entry::Agency).collect();
        entries.extend(before.nodes().cloned().map(Entry::Node));
        let there = network.node(DISTRICT).id.clone();
        for entry in &mut entries {
            if let Entry::Agency(agency) = entry
                && agency.code.as_str() == COMMUNE
            {
                agency.node = Some(there.clone());
            }
        }
        let after = network.next_directory(&entries);
        let folder = tempfile::tempdir().unwrap();
        learn(folder.path(), before, before, UnixMillis(7)).unwrap();
        assert!(!folder.path().join(FOLDER).exists(), "nobody moved");
        learn(folder.path(), before, &after, UnixMillis(8)).unwrap();
        let kept = load(folder.path());
        let (agency, node) = (COMMUNE.parse().unwrap(), network.node(COMMUNE).id.clone());
        assert_eq!(kept.all().collect::<Vec<_>>(), [(&agency, &node, UnixMillis(8))]);
    }

    #[test]
    fn who_moved_is_read_as_it_was_written_and_a_damaged_file_is_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FOLDER).join(NAME);
        assert_eq!(load(folder.path()), HostsBefore::default());
        let text = format!("{HEADING}\nH41.12.03 n1.H41.12.03 7\nH41.12.03 n1.H41 9\n");
        crate::daemon::files::keep(folder.path(), FOLDER, NAME, text.as_bytes()).unwrap();
        let mut hosts = HostsBefore::default();
        for (node, at) in [("n1.H41.12.03", 7), ("n1.H41", 9)] {
            hosts.note("H41.12.03".parse().unwrap(), node.parse().unwrap(), UnixMillis(at));
        }
        assert_eq!(load(folder.path()), hosts);
        let without = text.trim_end();
        for bad in [without, &text.replace("n1.H41 9", "n1.H41"), &text.replace(" 1\n", " 2\n"), ""]
        {
            std::fs::write(&path, bad).unwrap();
            assert_eq!(load(folder.path()), HostsBefore::default(), "{bad:?}");
        }
    }
}
