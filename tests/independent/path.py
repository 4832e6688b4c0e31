"""[4.1] Paths from a leaf to an anchor (RFC 5280 section 6)."""

from cryptography import x509

from . import certificate
from .certificate import ALLOWS
from .errors import Refused, require
from .revocation import about

CHAIN_MAX = 6
SECONDS_MS = 1000


class Path:
    """Certificates, leaf first, without the anchor, and what the revocation lists say of each."""

    def __init__(self, certificates, listed):
        self.certificates, self.listed = certificates, listed


def read(chain):
    require(0 < len(chain) <= CHAIN_MAX, f"{len(chain)} certificates", "CERTIFICATE_UNTRUSTED")
    return [certificate.read(raw) for raw in chain]


def build(anchors, chain, purpose, at_ms, lists):
    """A path that holds at that moment; validity as well as revocation."""
    at = at_ms // SECONDS_MS
    why = Refused("no path to an anchor of this network", "CERTIFICATE_UNTRUSTED")
    _check_one(chain[0], purpose, at, True)
    for certificates, anchor in _candidates(anchors, chain, [chain[0]], purpose, at):
        try:
            return _judged(certificates, anchor, at_ms, lists)
        except Refused as refused:
            why = refused
    raise why


def _candidates(anchors, chain, path, purpose, at):
    last = path[-1]
    for anchor in anchors:
        if anchor.subject == last.issuer and last.is_signed_by(anchor) and _within(anchor, path):
            yield path, anchor
    if len(path) > CHAIN_MAX:
        return
    for above in chain[1:]:
        known = any(c.subject == above.subject and c.spki == above.spki for c in path)
        if known or above.subject != last.issuer:
            continue
        try:
            _check_one(above, purpose, at, False)
        except Refused:
            continue
        short = above.path_length is None or above.path_length >= len(path) - 1
        if short and last.is_signed_by(above) and _within(above, path):
            yield from _candidates(anchors, chain, [*path, above], purpose, at)


def _check_one(one, purpose, at, leaf):
    one.invalid(not one.unknown, "an unknown critical extension")
    require(at >= one.begins, "not valid yet", "CERTIFICATE_NOT_YET_VALID")
    require(at <= one.ends, "expired", "CERTIFICATE_EXPIRED")
    listed = one.purposes
    one.invalid(not listed or ALLOWS[purpose] & set(listed), "its extended key usage")
    one.invalid(leaf != one.is_ca, "a CA as a leaf, or a leaf as a CA")


def _within(authority, below):
    """Name constraints of an authority on everything below it; those of other names than DNS refuse."""
    constraints = authority.constraints
    if constraints is None:
        return True
    permitted = list(constraints.permitted_subtrees or ())
    excluded = list(constraints.excluded_subtrees or ())
    if not all(isinstance(c, x509.DNSName) for c in permitted + excluded):
        return False
    names = [name for one in below for name in one.dns_names()]
    allowed = not permitted or all(any(_under(n, c.value) for c in permitted) for n in names)
    return allowed and not any(_under(n, c.value) for n in names for c in excluded)


def _under(name, constraint):
    name, constraint = name.lower(), constraint.lower()
    if not constraint or name == constraint:
        return True
    return name.endswith(constraint if constraint.startswith(".") else "." + constraint)


def _judged(certificates, anchor, at_ms, lists):
    """Key usage and keys of the authorities, and revocation."""
    for authority in certificates[1:]:
        authority.key()
        signs = authority.usage is None or authority.usage.key_cert_sign
        authority.invalid(signs, "its key usage does not allow signing certificates")
    issuers = [*certificates[1:], anchor]
    listed = [about(lists, c, issuer) for c, issuer in zip(certificates, issuers)]
    for found in listed:
        revoked = found is not None and found.revoked_at is not None and found.revoked_at <= at_ms
        require(not revoked, "a certificate was revoked", "CERTIFICATE_REVOKED")
    return Path(certificates, listed)
