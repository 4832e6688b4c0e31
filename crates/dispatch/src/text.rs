//! Text from outside: compared in NFC, kept as received, and never shown raw.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Whether a character changes how its neighbours are shown: directional controls, zero-width
/// characters, line and paragraph separators (Unicode TR 36 names the attack).
fn is_deceptive(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{61c}')
}

/// Whether the text has no control character and none that reorders or hides text.
pub fn is_plain(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || is_deceptive(c))
}

/// The text with every control or deceptive character written as `\u{..}`, safe for a terminal
/// or a log line.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_deceptive(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// The form used for comparison (NFC).
pub fn comparable(text: &str) -> String {
    text.nfc().collect()
}

/// The form that a look-up without accents compares: lower case, no marks above or below letters, `đ` as
/// `d`, any white space as one space. "Hải  Dương" gives "hai duong".
pub fn bare(text: &str) -> String {
    let letters = text.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    let letters: String = letters.map(|c| if c == 'đ' { 'd' } else { c }).collect();
    one_space(&letters)
}

/// The form that a look-up with accents compares: lower case NFC, any white space as one space, and the tone
/// of each word behind it, so that "hoà" and "hòa" (both are written) are one.
pub fn accented(text: &str) -> String {
    let lower: String = text.nfd().flat_map(char::to_lowercase).collect();
    let word = |word: &str| -> String {
        let (tones, letters): (String, String) = word.chars().partition(|c| is_tone(*c));
        letters + &tones
    };
    let words: Vec<String> = lower.split_whitespace().map(word).collect();
    words.join(" ").nfc().collect()
}

/// The five marks of Vietnamese tones; the marks of vowels (â, ă, ê, ô, ơ, ư) are none of them.
fn is_tone(c: char) -> bool {
    matches!(c, '\u{300}' | '\u{301}' | '\u{303}' | '\u{309}' | '\u{323}')
}

fn one_space(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vietnamese_compares_across_normal_forms() {
        assert_eq!(comparable("Tra\u{323}m"), comparable("Tr\u{1ea1}m"));
    }

    #[test]
    fn terminal_tricks_are_escaped() {
        assert!(is_plain("Chỉ thị số 16/CT-TTg"));
        assert!(!is_plain("a\u{1b}[31m"));
        assert_eq!(escaped("a\u{1b}\u{202e}"), "a\\u{1b}\\u{202e}");
    }

    #[test]
    fn a_name_is_found_without_its_accents_and_with_them_wherever_the_tone_is_written() {
        assert_eq!(bare("Hải  Dương"), "hai duong");
        assert_eq!(bare("ĐẶC KHU Phú Quốc"), "dac khu phu quoc");
        assert_eq!(bare("Đa\u{323}o"), "dao");
        assert_eq!(accented("Hoà Bình"), accented("HÒA bình"));
        assert_ne!(accented("Hà Nam"), accented("Hạ Nam"));
        assert_ne!(accented("Bố Trạch"), accented("Bó Trạch"));
        assert_ne!(accented("Đa"), accented("Da"));
    }
}
