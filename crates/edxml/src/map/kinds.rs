//! The numbers of document types (loại văn bản): the table of the amendment of 2022, as far as it is known
//! (`docs/edxml.md`). Writers differ in how they use them; the name is what counts.

/// Class 1: legal normative documents. Those that class 2 has as well are numbered there.
const NORMATIVE: [(&str, &str); 8] = [
    ("Hiến pháp", "1"),
    ("Luật", "2"),
    ("Pháp lệnh", "3"),
    ("Lệnh", "4"),
    ("Nghị quyết liên tịch", "6"),
    ("Nghị định", "7"),
    ("Thông tư", "9"),
    ("Thông tư liên tịch", "10"),
];

/// Class 2: administrative documents, by their numbers from 1.
const ADMINISTRATIVE: [&str; 32] = [
    "Nghị quyết",
    "Quyết định",
    "Chỉ thị",
    "Quy chế",
    "Quy định",
    "Thông cáo",
    "Thông báo",
    "Hướng dẫn",
    "Chương trình",
    "Kế hoạch",
    "Phương án",
    "Đề án",
    "Dự án",
    "Báo cáo",
    "Biên bản",
    "Tờ trình",
    "Hợp đồng",
    "Công văn",
    "Công điện",
    "Bản ghi nhớ",
    "Bản cam kết",
    "Bản thỏa thuận",
    "Giấy chứng nhận",
    "Giấy ủy quyền",
    "Giấy mời",
    "Giấy giới thiệu",
    "Giấy nghỉ phép",
    "Giấy đi đường",
    "Giấy biên nhận hồ sơ",
    "Phiếu gửi",
    "Phiếu chuyển",
    "Thư công",
];

/// Class and number of a type by its name; an unknown one is administrative and has no number.
pub(super) fn numbers(name: &str) -> (&'static str, String) {
    let wanted = tram_dispatch::text::comparable(name).to_lowercase();
    let is = |known: &str| known.to_lowercase() == wanted;
    if let Some((_, number)) = NORMATIVE.iter().find(|(known, _)| is(known)) {
        return ("1", (*number).to_owned());
    }
    let at = ADMINISTRATIVE.iter().position(|known| is(known));
    ("2", at.map_or(0, |at| at + 1).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_the_numbers_of_the_table() {
        assert_eq!(numbers("Công văn"), ("2", "18".to_owned()));
        assert_eq!(numbers("CÔNG VĂN"), ("2", "18".to_owned()));
        assert_eq!(numbers("Nghị định"), ("1", "7".to_owned()));
        assert_eq!(numbers("Thư công"), ("2", "32".to_owned()));
        assert_eq!(numbers("Sổ tay"), ("2", "0".to_owned()));
    }
}
