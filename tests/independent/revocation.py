"""[4.1], [7.7] Revocation lists (RFC 5280 section 5), judged at one moment."""

from functools import lru_cache

from cryptography import x509

from . import der
from .certificate import ECDSA, ED25519, RSA, UNREADABLE, signature_holds, uris
from .errors import Refused, require
from .merkle import sha256

BYTES_MAX = 16 << 20
GRACE_MS = 72 * 3_600_000
_KNOWN = (x509.IssuingDistributionPoint, x509.AuthorityKeyIdentifier, x509.CRLNumber)


class List:
    """One list, DER, read."""

    def __init__(self, raw):
        require(len(raw) <= BYTES_MAX, "a revocation list over the limit", "TOO_LARGE")
        what = "not a revocation list that can be used"
        try:
            self.x509 = x509.load_der_x509_crl(raw)
            extensions = list(self.x509.extensions)
            algorithm = self.x509.signature_algorithm_oid.dotted_string
            self._read_scope(extensions)
        except UNREADABLE as error:
            raise Refused(f"{what}: {error}", "UNREADABLE") from error
        require(self.x509.next_update_utc is not None, f"{what}: no nextUpdate", "UNREADABLE")
        odd = any(e.critical and not isinstance(e.value, _KNOWN) for e in extensions)
        require(not odd, f"{what}: an unknown critical extension", "UNREADABLE")
        known = algorithm in ECDSA or algorithm in RSA or algorithm == ED25519
        require(known, f"{what}: a weak algorithm", "UNREADABLE")
        self.algorithm, self.digest = algorithm, sha256(raw)
        tbs = der.one(raw, der.SEQUENCE, what).inside(der.SEQUENCE, what)[0]
        parts = tbs.inside(der.SEQUENCE, what)
        version = der.take(parts, der.INTEGER)
        require(version is not None and version.value == b"\x01", f"{what}: not version 2", "UNREADABLE")
        self.issuer = parts[1].raw
        self.made = int(self.x509.last_update_utc.timestamp()) * 1000
        self.due = int(self.x509.next_update_utc.timestamp()) * 1000

    def _read_scope(self, extensions):
        self.users_only = self.authorities_only = False
        self.points = []
        for extension in extensions:
            value = extension.value
            require(not isinstance(value, x509.DeltaCRLIndicator), "a delta", "UNREADABLE")
            if isinstance(value, x509.IssuingDistributionPoint):
                partial = value.indirect_crl or value.only_some_reasons
                require(not partial and not value.only_contains_attribute_certs, "a partial list")
                self.users_only = value.only_contains_user_certs
                self.authorities_only = value.only_contains_ca_certs
                self.points = uris(value.full_name)

    def covers(self, certificate):
        kind = not self.users_only if certificate.is_ca else not self.authorities_only
        points = not self.points or not certificate.points
        points = points or bool(set(self.points) & set(certificate.points))
        return self.issuer == certificate.issuer and kind and points

    @lru_cache(maxsize=4096)  # noqa: B019
    def is_signed_by(self, issuer):
        return signature_holds(issuer.spki, self.algorithm, self.x509, self.x509.tbs_certlist_bytes)

    def revoked_at(self, certificate):
        serial = int.from_bytes(certificate.serial, "big")
        entry = self.x509.get_revoked_certificate_by_serial_number(serial)
        return None if entry is None else int(entry.revocation_date_utc.timestamp()) * 1000


@lru_cache(maxsize=256)
def read(raw):
    return List(raw)


class Listed:
    """What one list says about one certificate."""

    def __init__(self, found, certificate):
        self.made, self.due, self.digest = found.made, found.due, found.digest
        self.revoked_at = found.revoked_at(certificate)


def about(lists, certificate, issuer):
    """What the newest list of this issuer says; None where there is none."""
    if issuer.usage is not None and not issuer.usage.crl_sign:
        return None
    best = None
    for found in sorted(lists, key=lambda found: found.digest):
        newer = best is None or found.made > best.made
        if found.covers(certificate) and newer and found.is_signed_by(issuer):
            best = found
    return None if best is None else Listed(best, certificate)


def digest_of(listed):
    """[6.1] field 18: the one list, or the digests of several one after the other; None without any."""
    digests = list(dict.fromkeys(found.digest for found in listed if found is not None))
    if len(digests) < 2:
        return digests[0] if digests else None
    return sha256(*digests)


def status(listed, at_ms):
    """`(word, as of)`: good, stale, unknown or not_checked."""
    used = [found for found in listed if found is not None]
    if not used:
        return "not_checked", None
    as_of = min(found.made for found in used)
    if any(at_ms >= found.due + GRACE_MS for found in used):
        return "unknown", as_of
    if listed[0] is None:
        return "not_checked", None
    return ("stale" if any(at_ms >= found.due for found in used) else "good"), as_of
