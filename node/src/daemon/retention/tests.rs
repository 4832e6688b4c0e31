use super::*;

#[test]
fn what_is_held_back_is_an_alarm() {
    let retention = Retention::default();
    assert!(retention.alarm(UnixMillis(0)).is_none());
    retention.locked().limited = true;
    let found = retention.alarm(UnixMillis(0)).unwrap();
    assert_eq!(found.code, Code::RetentionOverdue);
    assert!(found.code.as_str() == "RETENTION_OVERDUE" && found.detail.contains("in a day"));
    let mut standing = retention.locked();
    standing.limited = false;
    standing.trouble = Some((UnixMillis(5), "CLOCK_UNCERTAIN".to_owned()));
    drop(standing);
    assert!(retention.alarm(UnixMillis(5 + OVERDUE_MS - 1)).is_none());
    let found = retention.alarm(UnixMillis(5 + OVERDUE_MS)).unwrap();
    assert!(found.detail.contains("CLOCK_UNCERTAIN"));
}
