//! Text from outside: compared in NFC, kept as received, and never shown raw.

use unicode_normalization::UnicodeNormalization;

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
}
