/// `Priority`: how urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Priority {
    /// 0, thường.
    #[default]
    Normal,
    /// 1, khẩn.
    Urgent,
    /// 2, thượng khẩn.
    VeryUrgent,
    /// 3, hỏa tốc.
    Flash,
    /// 4, hỏa tốc hẹn giờ: at a set hour, which edXML has no field for.
    FlashAt,
}

impl Priority {
    const ALL: [Priority; 5] =
        [Self::Normal, Self::Urgent, Self::VeryUrgent, Self::Flash, Self::FlashAt];

    /// From 0 to 4.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// `BussinessDocType`: what the file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Operation {
    /// 0, văn bản mới: a new document.
    #[default]
    New,
    /// 1, thu hồi: takes one back.
    Recall,
    /// 2, cập nhật: changes data or recipients of one.
    Update,
    /// 3, thay thế: replaces one or several.
    Replace,
}

impl Operation {
    const ALL: [Operation; 4] = [Self::New, Self::Recall, Self::Update, Self::Replace];

    /// From 0 to 3.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// What people write beside it (`BussinessDocReason` of a new one).
    pub const fn vietnamese(self) -> &'static str {
        match self {
            Operation::New => "Văn bản mới",
            Operation::Recall => "Thu hồi",
            Operation::Update => "Cập nhật",
            Operation::Replace => "Thay thế",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_values_are_the_same_list() {
        for n in 0..300 {
            assert!(Priority::from_number(n).is_none_or(|p| u16::from(p.number()) == n));
            assert!(Operation::from_number(n).is_none_or(|o| u16::from(o.number()) == n));
        }
        let count = |f: &dyn Fn(u16) -> bool| (0..300).filter(|n| f(*n)).count();
        assert_eq!(count(&|n| Priority::from_number(n).is_some()), 5);
        assert_eq!(count(&|n| Operation::from_number(n).is_some()), 4);
    }
}
