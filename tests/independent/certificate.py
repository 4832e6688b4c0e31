"""[4.1] One certificate: what is read from it, and the profile that a seal's must have."""

from functools import cached_property, lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtensionOID

from . import der, keys
from .errors import Refused, require
from .merkle import sha256
from .names import agency_of_certificate, escaped

BYTES_MAX = 16384
SERVER_AUTH, CLIENT_AUTH = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"
EMAIL_PROTECTION, ANY_PURPOSE = "1.3.6.1.5.5.7.3.4", "2.5.29.37.0"
TIME_STAMPING, DOCUMENT_SIGNING = "1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.36"
DOCUMENT_SIGNING_MS = "1.3.6.1.4.1.311.10.3.12"

SEAL, BOUND_SEAL, TIME_STAMP = "seal", "bound seal", "time-stamp"
ALLOWS = {
    SEAL: {DOCUMENT_SIGNING},
    BOUND_SEAL: {DOCUMENT_SIGNING, DOCUMENT_SIGNING_MS, EMAIL_PROTECTION},
    TIME_STAMP: {TIME_STAMPING},
}
FORBIDS = {
    SEAL: {SERVER_AUTH, CLIENT_AUTH, ANY_PURPOSE},
    BOUND_SEAL: {SERVER_AUTH},
    TIME_STAMP: set(),
}
# Extensions that are looked at: any other that is critical stands against the certificate.
KNOWN = {
    ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME, ExtensionOID.NAME_CONSTRAINTS,
}  # fmt: skip
SHORT = {
    "2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O",
    "2.5.4.11": "OU", "0.9.2342.19200300.100.1.25": "DC",
}  # fmt: skip
IN_NETWORK = (".agency.alt", ".node.alt")
UNREADABLE = (
    ValueError, TypeError, OverflowError, UnsupportedAlgorithm,
    x509.DuplicateExtension, x509.InvalidVersion, x509.UnsupportedGeneralNameType,
)  # fmt: skip
"""What the library may raise over a certificate or a list."""


@lru_cache(maxsize=1024)
def read(raw):
    """The same certificate is read once."""
    return Certificate(raw)


class Certificate:
    """One certificate, read."""

    def __init__(self, raw):
        require(len(raw) <= BYTES_MAX, "a certificate over the limit", "TOO_LARGE")
        what = "not an X.509 certificate"
        try:
            self.x509 = x509.load_der_x509_certificate(raw)
            self._read_extensions()
        except UNREADABLE as error:
            raise Refused(f"{what}: {error}", "CERTIFICATE_INVALID") from error
        self.raw, self.digest = raw, sha256(raw)
        whole = der.one(raw, der.SEQUENCE, what).inside(der.SEQUENCE, what)
        require(len(whole) == 3, what, "CERTIFICATE_INVALID")
        tbs, outer, _ = whole
        parts = tbs.inside(der.SEQUENCE, what)
        require(der.take(parts, der.CONTEXT_0), f"{what} of version 3", "CERTIFICATE_INVALID")
        require(len(parts) >= 6, what, "CERTIFICATE_INVALID")
        serial, inner, issuer, _, subject, spki = parts[:6]
        require(inner.raw == outer.raw, "two signature algorithms", "CERTIFICATE_INVALID")
        number = serial.value
        good = 0 < len(number) <= 20 and 0 < int.from_bytes(number, "big") and number[0] < 0x80
        require(good, "the serial number is not a positive one", "CERTIFICATE_INVALID")
        self.serial, self.issuer, self.subject, self.spki = number, issuer.raw, subject.raw, spki.raw
        self.begins = int(self.x509.not_valid_before_utc.timestamp())
        self.ends = int(self.x509.not_valid_after_utc.timestamp())

    def _read_extensions(self):
        self.is_ca, self.path_length, self.usage, self.purposes = False, None, None, None
        self.purposes_critical, self.names, self.constraints, self.unknown = False, [], None, False
        self.points = []
        for extension in self.x509.extensions:
            value = extension.value
            if isinstance(value, x509.BasicConstraints):
                self.is_ca, self.path_length = value.ca, value.path_length
            elif isinstance(value, x509.KeyUsage):
                self.usage = value
            elif isinstance(value, x509.ExtendedKeyUsage):
                self.purposes = [purpose.dotted_string for purpose in value]
                self.purposes_critical = extension.critical
            elif isinstance(value, x509.SubjectAlternativeName):
                self.names = list(value)
            elif isinstance(value, x509.NameConstraints):
                self.constraints = value
            elif isinstance(value, x509.CRLDistributionPoints):
                self.points = [uri for point in value for uri in uris(point.full_name)]
            if extension.critical and extension.oid not in KNOWN:
                self.unknown = True

    @cached_property
    def subject_name(self):
        """The subject for people."""
        parts = []
        for attribute in self.x509.subject:
            oid = attribute.oid.dotted_string
            parts.append(f"{SHORT.get(oid, oid)}={attribute.value}")
        return escaped(", ".join(parts))

    def key(self):
        return keys.load(self.spki)

    def dns_names(self):
        return [name.value for name in self.names if isinstance(name, x509.DNSName)]

    def check_anchor(self):
        keys.load(self.spki)
        signs = self.usage is None or self.usage.key_cert_sign
        require(self.is_ca and signs, f'the anchor "{self.subject_name}" is not a CA', "CERTIFICATE_INVALID")

    @lru_cache(maxsize=4096)  # noqa: B019
    def is_signed_by(self, issuer):
        return signature_holds(
            issuer.spki, self.x509.signature_algorithm_oid.dotted_string, self.x509,
            self.x509.tbs_certificate_bytes,
        )  # fmt: skip

    def invalid(self, condition, what):
        require(condition, f'certificate of "{self.subject_name}": {what}', "CERTIFICATE_INVALID")

    def check_leaf(self, purpose):
        """[4.1] step 4, and the like for time-stamps."""
        self.key()
        self.invalid(not self.is_ca, "it is a CA certificate")
        self.invalid(self.usage is not None, "it has no key usage extension")
        self.invalid(self.usage.digital_signature, "its key usage lacks digitalSignature")
        signs = self.usage.key_cert_sign or self.usage.crl_sign
        self.invalid(not signs, "its key usage also allows signing certificates or CRLs")
        if self.purposes is None:
            self.invalid(purpose == BOUND_SEAL, "it has no extended key usage extension")
            return
        self.invalid(ALLOWS[purpose] & set(self.purposes), "its extended key usage")
        self.invalid(not FORBIDS[purpose] & set(self.purposes), "it has another use as well")

    def agency(self):
        """The agency that it names, or None where it names nothing of this network."""
        ours = [n for n in self.dns_names() if _in_network(n)]
        if not ours:
            return None
        self.invalid(len(self.names) == 1, f"it carries {len(self.names)} names, not one")
        named = agency_of_certificate(ours[0])
        self.invalid(named is not None, f'"{ours[0]}" does not name an agency')
        return named


def _in_network(name):
    return ("." + name.rstrip(".").lower()).endswith(IN_NETWORK)


def uris(names):
    return [n.value for n in names or () if isinstance(n, x509.UniformResourceIdentifier)]


ECDSA = {"1.2.840.10045.4.3.2": hashes.SHA256, "1.2.840.10045.4.3.3": hashes.SHA384}
ED25519 = "1.3.101.112"
RSA = {
    "1.2.840.113549.1.1.11", "1.2.840.113549.1.1.12", "1.2.840.113549.1.1.13",
    "1.2.840.113549.1.1.10",
}  # fmt: skip
SHA_2 = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


def signature_holds(spki, oid, signed, content):
    """Whether the key signed the content of a certificate or revocation list."""
    try:
        key = keys.load(spki)
        if oid == ED25519 and isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signed.signature, content)
        elif oid in ECDSA and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signed.signature, content, ec.ECDSA(ECDSA[oid]()))
        elif oid in RSA and isinstance(key, rsa.RSAPublicKey):
            digest = signed.signature_hash_algorithm
            if not isinstance(digest, SHA_2):
                return False
            key.verify(signed.signature, content, signed.signature_algorithm_parameters, digest)
        else:
            return False
    except (Refused, InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True
