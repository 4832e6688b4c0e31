//! Characters (XML 1.0, fifth edition, sections 2.2 and 2.3).

/// The first character that a document may not hold, not even as a reference.
pub(crate) fn first_forbidden(text: &str) -> Option<char> {
    // Only what begins below a space or with 0xEF can be one.
    let harmless = |b: u8| (b' '..0xef).contains(&b) || matches!(b, b'\t' | b'\n' | b'\r');
    if text.bytes().all(harmless) {
        return None;
    }
    text.chars().find(|c| !is_allowed(*c))
}

/// `Char`.
pub(crate) fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// `S`.
pub(crate) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Whether there is nothing but white space.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(is_space)
}

/// `NCName`: a name without a colon.
pub(crate) fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(starts_name) && chars.all(|c| starts_name(c) || continues_name(c))
}

fn starts_name(c: char) -> bool {
    matches!(c,
        'A'..='Z' | '_' | 'a'..='z'
        | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}'
        | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}'
        | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
}

fn continues_name(c: char) -> bool {
    matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_characters() {
        for name in ["edXML", "OrganId", "_a", "số", "a-b.c1"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "1a", "-a", "a b", "a:b", "a\"b", "a<b", "a=b", "\u{fffe}"] {
            assert!(!is_name(name), "{name}");
        }
        assert_eq!(first_forbidden("Sở Nội vụ\t\r\n\u{10ffff}"), None);
        for bad in ['\0', '\u{1}', '\u{b}', '\u{1f}', '\u{fffe}', '\u{ffff}'] {
            assert_eq!(first_forbidden(&format!("a{bad}")), Some(bad));
        }
    }
}
