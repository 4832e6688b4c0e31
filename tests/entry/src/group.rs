//! Groups of recipients, as requests, configurations and envelopes write them.

use tram_dispatch::group::{Addressee, Group, list, read_list};
use tram_dispatch::limits::GROUPS_MAX;
use tram_dispatch::text::is_plain;

/// One group, one addressee, a list of groups: each has one spelling, which reads as the same.
pub fn group(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(group) = text.parse::<Group>() {
        let written = group.to_string();
        assert!(is_plain(&written), "{written:?}");
        assert_eq!(written.parse(), Ok(group));
    }
    if let Ok(addressee) = text.parse::<Addressee>() {
        let written = addressee.to_string();
        assert!(is_plain(&written), "{written:?}");
        assert_eq!(written.parse(), Ok(addressee));
    }
    if let Ok(groups) = read_list(text) {
        assert!((1..=GROUPS_MAX).contains(&groups.len()));
        let written = list(&groups);
        assert_eq!(read_list(&written), Ok(groups));
    }
}
