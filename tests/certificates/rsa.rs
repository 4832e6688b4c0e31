//! RSASSA-PKCS1-v1_5 by hand (RFC 8017 section 8.2), for keys and hashes that a sound provider refuses to
//! sign with. Slow and leaky: for tests.

use std::collections::BTreeMap;
use std::sync::Mutex;

use ring::digest;

use crate::der::split;

const SHA1_INFO: &[u8] = &[0x30, 0x21, 0x30, 0x09, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0, 4, 0x14];
const SHA256_INFO: &[u8] =
    &[0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];

/// Modulus, public and private exponent, big-endian without leading zeros, of a PKCS#8 key.
pub(crate) fn parts(pkcs8: &[u8]) -> [Vec<u8>; 3] {
    // PrivateKeyInfo: version, algorithm, OCTET STRING of RSAPrivateKey: version, n, e, d, ...
    let (info, _) = split(pkcs8);
    let (_, rest) = split(info);
    let (_, rest) = split(rest);
    let (key, _) = split(split(rest).0);
    let (_, mut rest) = split(key);
    std::array::from_fn(|_| {
        let (number, after) = split(rest);
        rest = after;
        number.iter().copied().skip_while(|b| *b == 0).collect()
    })
}

pub(crate) fn sign_sha1(pkcs8: &[u8], bytes: &[u8]) -> Vec<u8> {
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    sign(pkcs8, SHA1_INFO, digest.as_ref())
}

pub(crate) fn sign_sha256(pkcs8: &[u8], bytes: &[u8]) -> Vec<u8> {
    sign(pkcs8, SHA256_INFO, digest::digest(&digest::SHA256, bytes).as_ref())
}

/// Signatures made before: the same for the same bytes, and slow.
static MADE: Mutex<Made> = Mutex::new(BTreeMap::new());

/// By modulus and padded block.
type Made = BTreeMap<(Vec<u8>, Vec<u8>), Vec<u8>>;

fn sign(pkcs8: &[u8], info: &[u8], digest: &[u8]) -> Vec<u8> {
    let [modulus, _, exponent] = parts(pkcs8);
    let length = modulus.len();
    let mut block = vec![0, 1];
    block.resize(length - info.len() - digest.len() - 1, 0xff);
    block.push(0);
    block.extend(info);
    block.extend(digest);
    let name = (modulus.clone(), block.clone());
    let known = MADE.lock().expect("no panic").get(&name).cloned();
    known.unwrap_or_else(|| {
        let made = power(&block, &exponent, &modulus);
        MADE.lock().expect("no panic").insert(name, made.clone());
        made
    })
}

/// `base` to the `exponent` modulo an odd `modulus`, all big-endian, by Montgomery's method (Koç, Acar,
/// Kaliski: "Analyzing and Comparing Montgomery Multiplication Algorithms", CIOS). Limbs of 64 bits.
fn power(base: &[u8], exponent: &[u8], modulus: &[u8]) -> Vec<u8> {
    let n = limbs(modulus, modulus.len().div_ceil(8));
    let size = n.len();
    // -n^-1 mod 2^64, by Newton's iteration.
    let mut inverse: u64 = 1;
    for _ in 0..6 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(n[0].wrapping_mul(inverse)));
    }
    let n0 = inverse.wrapping_neg();
    // R^2 mod n by doubling 1 as often as R^2 has bits.
    let mut square = vec![0; size];
    square[0] = 1;
    for _ in 0..128 * size {
        double(&mut square, &n);
    }
    let mut one = vec![0; size];
    one[0] = 1;
    let base = multiply(&limbs(base, size), &square, &n, n0);
    let mut power = multiply(&one, &square, &n, n0);
    for bit in exponent.iter().flat_map(|byte| (0..8).rev().map(move |i| byte >> i & 1)) {
        power = multiply(&power, &power, &n, n0);
        if bit == 1 {
            power = multiply(&power, &base, &n, n0);
        }
    }
    let out = multiply(&power, &one, &n, n0);
    let bytes: Vec<u8> = out.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect();
    bytes[bytes.len() - modulus.len()..].to_vec()
}

fn limbs(bytes: &[u8], size: usize) -> Vec<u64> {
    let mut out = vec![0; size];
    for (place, byte) in bytes.iter().rev().enumerate() {
        out[place / 8] |= u64::from(*byte) << (8 * (place % 8));
    }
    out
}

fn double(value: &mut [u64], n: &[u64]) {
    let mut carry = 0;
    for limb in value.iter_mut() {
        let high = *limb >> 63;
        *limb = *limb << 1 | carry;
        carry = high;
    }
    if carry == 1 || !less(value, n) {
        subtract(value, n);
    }
}

fn less(a: &[u64], b: &[u64]) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

fn subtract(a: &mut [u64], b: &[u64]) {
    let mut borrow = false;
    for (x, y) in a.iter_mut().zip(b) {
        let (d, first) = x.overflowing_sub(*y);
        let (d, second) = d.overflowing_sub(u64::from(borrow));
        (*x, borrow) = (d, first || second);
    }
}

fn multiply(a: &[u64], b: &[u64], n: &[u64], n0: u64) -> Vec<u64> {
    let size = n.len();
    let mut t = vec![0_u64; size + 2];
    for limb in b {
        add_product(&mut t, a, *limb);
        let m = t[0].wrapping_mul(n0);
        add_product(&mut t, n, m);
        // The lowest limb is zero now: shift it out.
        t.rotate_left(1);
        t[size + 1] = 0;
    }
    let over = t[size] != 0;
    t.truncate(size);
    if over || !less(&t, n) {
        subtract(&mut t, n);
    }
    t
}

/// Adds `a * factor` to `t`, which is two limbs longer.
fn add_product(t: &mut [u64], a: &[u64], factor: u64) {
    let mut carry = 0_u128;
    for (x, y) in t.iter_mut().zip(a.iter().chain(&[0, 0])) {
        let sum = u128::from(*x) + u128::from(*y) * u128::from(factor) + carry;
        (*x, carry) = (sum as u64, sum >> 64);
    }
}
