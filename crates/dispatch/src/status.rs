//! The national two-digit codes of a document's handling. They say what became of a document with
//! its recipient; where its bytes are, and whether its seal holds, are other questions.

use std::fmt;
use std::str::FromStr;

/// A status of the national code list. Numbers 07 to 12 and 14 are not in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// 01, arrived: given by the recipient's node once it holds the dispatch durably.
    Arrived,
    /// 02, refused by the clerk, with a reason.
    Refused,
    /// 03, accepted: entered in the register of what came in.
    Accepted,
    /// 04, assigned to somebody.
    Assigned,
    /// 05, being worked on.
    Processing,
    /// 06, completed. Many systems never say so.
    Completed,
    /// 13, the originator asks to take it back.
    TakeBackRequested,
    /// 15, the recipient agrees to what was asked: to give it back, or to take the update.
    Agreed,
    /// 16, the recipient does not agree.
    Declined,
}

impl Status {
    /// Every status, in numeric order.
    pub const ALL: [Status; 9] = [
        Status::Arrived,
        Status::Refused,
        Status::Accepted,
        Status::Assigned,
        Status::Processing,
        Status::Completed,
        Status::TakeBackRequested,
        Status::Agreed,
        Status::Declined,
    ];

    /// The number in evidence records.
    pub const fn number(self) -> u8 {
        match self {
            Status::Arrived => 1,
            Status::Refused => 2,
            Status::Accepted => 3,
            Status::Assigned => 4,
            Status::Processing => 5,
            Status::Completed => 6,
            Status::TakeBackRequested => 13,
            Status::Agreed => 15,
            Status::Declined => 16,
        }
    }

    /// The status with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.number() == number)
    }

    /// The word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Status::Arrived => "arrived",
            Status::Refused => "refused",
            Status::Accepted => "accepted",
            Status::Assigned => "assigned",
            Status::Processing => "processing",
            Status::Completed => "completed",
            Status::TakeBackRequested => "take_back_requested",
            Status::Agreed => "agreed",
            Status::Declined => "declined",
        }
    }

    /// What it is called in Vietnamese.
    pub const fn name_vi(self) -> &'static str {
        match self {
            Status::Arrived => "đã đến",
            Status::Refused => "từ chối tiếp nhận",
            Status::Accepted => "đã tiếp nhận",
            Status::Assigned => "phân công xử lý",
            Status::Processing => "đang xử lý",
            Status::Completed => "hoàn thành",
            Status::TakeBackRequested => "yêu cầu thu hồi",
            Status::Agreed => "đồng ý",
            Status::Declined => "không đồng ý",
        }
    }

    /// Whether the recipient's system may give it, again and again, to what it registered: 04 to 06.
    pub const fn is_handling(self) -> bool {
        matches!(self, Status::Assigned | Status::Processing | Status::Completed)
    }
}

/// The two digits: `04`.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.number())
    }
}

/// Why a text is not a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a status: 01 to 06, 13, 15, 16")]
pub struct BadStatus;

/// Exactly two digits.
impl FromStr for Status {
    type Err = BadStatus;

    fn from_str(text: &str) -> Result<Self, BadStatus> {
        if text.len() != 2 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(BadStatus);
        }
        text.parse().ok().and_then(Self::from_number).ok_or(BadStatus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_two_digits_and_read_back() {
        for status in Status::ALL {
            assert_eq!(status.to_string().parse(), Ok(status));
            assert_eq!(Status::from_number(status.number()), Some(status));
            assert_eq!(status.is_handling(), (4..=6).contains(&status.number()));
        }
        for bad in ["", "4", "004", "+4", "07", "12", "14", "17", "0４"] {
            assert_eq!(bad.parse::<Status>(), Err(BadStatus), "{bad}");
        }
    }
}
