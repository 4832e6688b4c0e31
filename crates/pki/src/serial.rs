//! Serial numbers.

use std::fmt;
use std::str::FromStr;

use tram_crypto::Entropy;

use crate::PkiError;

/// Longest serial number (RFC 5280 section 4.1.2.2).
const SERIAL_BYTES_MAX: usize = 20;

/// A positive serial number, big-endian without leading zeros, 1 to 20 bytes. Shown and read in
/// hexadecimal; colons between bytes are accepted.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(Vec<u8>);

impl Serial {
    /// 16 bytes with 126 random bits: the top bits are 01, so that the number is positive and
    /// always of one length.
    ///
    /// # Errors
    /// [`PkiError::Entropy`].
    pub fn random(entropy: &mut dyn Entropy) -> Result<Self, PkiError> {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes)?;
        bytes[0] = bytes[0] & 0x3f | 0x40;
        Ok(Serial(bytes.to_vec()))
    }

    /// From the content bytes of an ASN.1 INTEGER.
    ///
    /// # Errors
    /// [`PkiError::Serial`] for zero, negative or overlong numbers.
    pub fn from_der_integer(bytes: &[u8]) -> Result<Self, PkiError> {
        if bytes.first().is_none_or(|b| b & 0x80 != 0) {
            return Err(PkiError::Serial);
        }
        Self::from_magnitude(bytes)
    }

    fn from_magnitude(bytes: &[u8]) -> Result<Self, PkiError> {
        let start = bytes.iter().position(|b| *b != 0).ok_or(PkiError::Serial)?;
        // A number with its top bit set takes one byte more in DER.
        let sign_byte = usize::from(bytes[start] & 0x80 != 0);
        if bytes.len() - start + sign_byte > SERIAL_BYTES_MAX {
            return Err(PkiError::Serial);
        }
        Ok(Serial(bytes[start..].to_vec()))
    }

    /// The magnitude, big-endian.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Serial {
    type Err = PkiError;
    fn from_str(text: &str) -> Result<Self, PkiError> {
        let digits: Vec<u8> = text
            .bytes()
            .filter(|b| *b != b':')
            .map(|b| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok()))
            .collect::<Option<_>>()
            .ok_or(PkiError::Serial)?;
        if digits.is_empty() || !digits.len().is_multiple_of(2) || digits.len() > 64 {
            return Err(PkiError::Serial);
        }
        let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        Self::from_magnitude(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tram_crypto::SeededEntropy;

    #[test]
    fn random_serials_are_sixteen_positive_bytes_and_differ() {
        let mut entropy = SeededEntropy::from_u64(1);
        let serials: std::collections::BTreeSet<Serial> =
            (0..500).map(|_| Serial::random(&mut entropy).unwrap()).collect();
        assert_eq!(serials.len(), 500);
        for serial in serials {
            assert_eq!(serial.as_bytes().len(), 16);
            assert!(serial.as_bytes()[0] >> 6 == 1);
            assert_eq!(serial.to_string().parse::<Serial>().unwrap(), serial);
        }
    }

    #[test]
    fn spellings() {
        assert_eq!("00:00:1A:ff".parse::<Serial>().unwrap().to_string(), "1aff");
        assert_eq!(Serial::from_der_integer(&[0, 0x80]).unwrap().to_string(), "80");
        for bad in ["", "0", "00", "xyz1", "abc", &"11".repeat(21), &"ff".repeat(20)] {
            assert!(bad.parse::<Serial>().is_err(), "{bad}");
        }
        for bad in [&[][..], &[0], &[0x80], &[1; 21]] {
            assert!(Serial::from_der_integer(bad).is_err(), "{bad:?}");
        }
    }
}
