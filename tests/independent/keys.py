"""[1], [3] Public keys, and the signature algorithms of COSE."""

from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from .errors import Refused, require

ALGORITHMS = (-7, -8, -35, -37, -38, -257)
SPKI_BYTES_MAX = 2200
_P = 2**255 - 19


@lru_cache(maxsize=4096)
def load(spki):
    """A key from its SubjectPublicKeyInfo, of a kind, size and spelling that is taken."""
    require(len(spki) <= SPKI_BYTES_MAX, "longer than any key", "ALGORITHM_REFUSED")
    try:
        key = load_der_public_key(spki)
        again = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, TypeError, AttributeError, UnsupportedAlgorithm) as error:
        raise Refused(f"the public key is malformed: {error}", "ALGORITHM_REFUSED") from error
    require(again == spki, "the public key is in a second spelling", "ALGORITHM_REFUSED")
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        sizes = 2048 <= key.key_size <= 4096 and numbers.n & 1 and numbers.e & 1
        require(sizes and 65537 <= numbers.e < 1 << 33, "such an RSA key", "ALGORITHM_REFUSED")
    elif isinstance(key, ec.EllipticCurvePublicKey):
        curve = isinstance(key.curve, (ec.SECP256R1, ec.SECP384R1))
        require(curve, "such a curve", "ALGORITHM_REFUSED")
    else:
        require(isinstance(key, ed25519.Ed25519PublicKey), "such a key", "ALGORITHM_REFUSED")
        require(not _is_weak(spki[-32:]), "a weak Ed25519 key", "ALGORITHM_REFUSED")
    return key


def _is_weak(encoded):
    """Of small order, or a second spelling: one signature could fit many bytes."""
    y = int.from_bytes(encoded, "little") & ((1 << 255) - 1)
    if y >= _P or y in (0, 1, _P - 1):
        return True
    # Twice a point of order 8 has y = 0, so x^2 = -y^2; with the curve's equation
    # -x^2 + y^2 = 1 + d x^2 y^2 that is 2 y^2 = 1 - d y^4.
    d = -121665 * pow(121666, -1, _P) % _P
    return (2 * y * y - 1 + d * pow(y, 4, _P)) % _P == 0


def kind(key):
    if isinstance(key, rsa.RSAPublicKey):
        return "RSA"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "P-256" if isinstance(key.curve, ec.SECP256R1) else "P-384"
    return "Ed25519"


def ed25519_spki(raw):
    """The SubjectPublicKeyInfo of a 32-byte key (RFC 8410)."""
    return bytes.fromhex("302a300506032b6570032100") + raw


def raw_ed25519(spki):
    """The 32 bytes of an Ed25519 key."""
    require(kind(load(spki)) == "Ed25519", "the key is not Ed25519", "ALGORITHM_REFUSED")
    return spki[-32:]


FITS = {-8: "Ed25519", -7: "P-256", -35: "P-384", -37: "RSA", -38: "RSA", -257: "RSA"}


def verify(algorithm, spki, signed, signature):
    """[3] Raises unless the signature holds."""
    key = load(spki)
    require(algorithm in FITS, f"algorithm {algorithm}")
    require(FITS[algorithm] == kind(key), "the algorithm does not fit the key", "ALGORITHM_REFUSED")
    require(_holds(algorithm, spki, signed, signature), "signature: it does not verify", "SIGNATURE_INVALID")


@lru_cache(maxsize=65536)
def _holds(algorithm, spki, signed, signature):
    key = load(spki)
    try:
        if algorithm == -8:
            key.verify(signature, signed)
        elif algorithm in (-7, -35):
            size = 32 if algorithm == -7 else 48
            digest = hashes.SHA256() if algorithm == -7 else hashes.SHA384()
            if len(signature) != 2 * size:
                return False
            r, s = (int.from_bytes(h, "big") for h in (signature[:size], signature[size:]))
            key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(digest))
        else:
            digest = hashes.SHA384() if algorithm == -38 else hashes.SHA256()
            scheme = padding.PKCS1v15()
            if algorithm != -257:
                scheme = padding.PSS(padding.MGF1(digest), digest.digest_size)
            key.verify(signature, signed, scheme, digest)
    except InvalidSignature:
        return False
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True
