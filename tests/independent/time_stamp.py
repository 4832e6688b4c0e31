"""[7.7] Time-stamp tokens (RFC 3161, RFC 5652) over the text of a checkpoint, in the one form."""

import hashlib
import re
from calendar import timegm

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from . import certificate, der, keys, path
from .certificate import TIME_STAMP, TIME_STAMPING
from .errors import Refused, require
from .merkle import sha256

BYTES_MAX = 65536
SIGNED_DATA, TST_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE, MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
RSA_ENCRYPTION = "1.2.840.113549.1.1.1"
SHA_2 = {
    "2.16.840.1.101.3.4.2.1": "sha256", "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}  # fmt: skip
HASHES = {"sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512}
RSA_WITH = {
    "sha256": "1.2.840.113549.1.1.11", "sha384": "1.2.840.113549.1.1.12",
    "sha512": "1.2.840.113549.1.1.13",
}  # fmt: skip
ECDSA_WITH = {
    "sha256": "1.2.840.10045.4.3.2", "sha384": "1.2.840.10045.4.3.3", "sha512": "1.2.840.10045.4.3.4",
}  # fmt: skip
TIME = re.compile(rb"([0-9]{14})(?:\.([0-9]{0,8}[1-9]))?Z")


def _identifier(item, what):
    """An AlgorithmIdentifier whose parameters are absent or NULL."""
    parts = item.inside(der.SEQUENCE, what)
    none = len(parts) == 1 or (len(parts) == 2 and parts[1].raw == b"\x05\x00")
    require(none, what)
    return der.dotted(parts[0].contents(der.OID, what))


def _sha2(item, what):
    named = _identifier(item, what)
    require(named in SHA_2, what)
    return SHA_2[named]


class Token:
    """A token, taken apart, and checked but for who its signer is."""

    def __init__(self, raw, text):
        require(len(raw) <= BYTES_MAX, "a time-stamp over the limit", "TOO_LARGE")
        what = "time-stamp: malformed"
        kind, data = _exactly(der.one(raw, der.SEQUENCE, what).inside(der.SEQUENCE, what), 2, what)
        require(der.dotted(kind.contents(der.OID, what)) == SIGNED_DATA, what)
        parts = der.one(data.contents(der.CONTEXT_0, what), der.SEQUENCE, what).inside(der.SEQUENCE, what)
        require(len(parts) >= 4 and parts[0].number(der.INTEGER, what) == 3, what)
        require(parts[1].tag == der.SET, what)
        kind, content = _exactly(parts[2].inside(der.SEQUENCE, what), 2, what)
        require(der.dotted(kind.contents(der.OID, what)) == TST_INFO, what)
        self.content = der.one(content.contents(der.CONTEXT_0, what), der.OCTETS, what).value
        rest = parts[3:]
        certificates = der.take(rest, der.CONTEXT_0)
        certificates = der.items(certificates.value, what) if certificates else []
        der.take(rest, der.CONTEXT_1)
        signers = _exactly(rest, 1, what)[0].inside(der.SET, what)
        require(len(certificates) <= 16, what)
        self.certificates = [c.raw for c in certificates if c.tag == der.SEQUENCE]
        self._read_signer(_exactly(signers, 1, what)[0].inside(der.SEQUENCE, what), what)
        self._read_info(what)
        self._check(text, raw)

    def _read_signer(self, parts, what):
        require(len(parts) in (6, 7), what)
        version, self.sid, digest, self.attributes, self.algorithm, signature = parts[:6]
        require(version.number(der.INTEGER, what) == 1, what)
        require(self.attributes.tag == der.CONTEXT_0, what)
        issuer, serial = _exactly(self.sid.inside(der.SEQUENCE, what), 2, what)
        self.issuer, self.serial = issuer.raw, serial.contents(der.INTEGER, what)
        self.digest = _sha2(digest, what)
        self.signature = signature.contents(der.OCTETS, what)
        found = {}
        for attribute in der.items(self.attributes.value, what):
            name, values = _exactly(attribute.inside(der.SEQUENCE, what), 2, what)
            name = der.dotted(name.contents(der.OID, what))
            require(name not in found, what)
            found[name] = values.inside(der.SET, what)
        needed = (CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE_V2)
        require(all(len(found.get(name, ())) == 1 for name in needed), what)
        kind, digest, signer = (found[name][0] for name in needed)
        require(der.dotted(kind.contents(der.OID, what)) == TST_INFO, what)
        self.message_digest = digest.contents(der.OCTETS, what)
        ids = signer.inside(der.SEQUENCE, what)
        first = ids[0].inside(der.SEQUENCE, what) if ids else []
        first = first[0].inside(der.SEQUENCE, what) if first else []
        named = der.take(first, der.SEQUENCE)
        self.signer_digest = _sha2(named, what) if named else "sha256"
        require(first and first[0].tag == der.OCTETS, what)
        self.signer = first[0].value

    def _read_info(self, what):
        parts = der.one(self.content, der.SEQUENCE, what).inside(der.SEQUENCE, what)
        require(len(parts) >= 5 and parts[0].number(der.INTEGER, what) == 1, what)
        require(parts[1].tag == der.OID, what)
        algorithm, digest = _exactly(parts[2].inside(der.SEQUENCE, what), 2, what)
        self.imprint = _sha2(algorithm, what), digest.contents(der.OCTETS, what)
        self.number = parts[3].contents(der.INTEGER, what).hex()
        self.time, last = _moment(parts[4].contents(der.TIME, what))
        rest = parts[5:]
        accuracy = der.take(rest, der.SEQUENCE)
        accuracy = _accuracy(accuracy, what) if accuracy else 0
        der.take(rest, der.BOOLEAN)
        der.take(rest, der.INTEGER)
        der.take(rest, der.CONTEXT_0)
        extensions = der.take(rest, der.CONTEXT_1)
        for extension in der.items(extensions.value, what) if extensions else ():
            critical = any(
                part.tag == der.BOOLEAN and part.value != b"\x00"
                for part in extension.inside(der.SEQUENCE, what)
            )
            require(not critical, what)
        require(not rest, what)
        self.latest = last + accuracy

    def _check(self, text, raw):
        invalid = "TIME_STAMP_INVALID"
        require(self.imprint == ("sha256", sha256(text)), "time-stamp: over something else", invalid)
        self.chain = []
        for raw_certificate in self.certificates:
            try:
                self.chain.append(certificate.read(raw_certificate))
            except Refused:
                continue
        mine = [c for c in self.chain if c.issuer == self.issuer and c.serial == self.serial]
        require(mine, "time-stamp: its signer's certificate is not in it", invalid)
        self.leaf = mine[0]
        place = self.chain.index(self.leaf)
        self.chain[0], self.chain[place] = self.chain[place], self.chain[0]
        named = hashlib.new(self.signer_digest, self.leaf.raw).digest() == self.signer
        require(named, "time-stamp: it names another signing certificate", invalid)
        content = hashlib.new(self.digest, self.content).digest() == self.message_digest
        require(content, "time-stamp: its digest is not that of its content", invalid)
        require(self._is_signed(), "time-stamp: its signature does not verify", invalid)

    def _is_signed(self):
        key, named = self.leaf.key(), _identifier(self.algorithm, "the signature algorithm")
        signed, digest = der.write(der.SET, self.attributes.value), HASHES[self.digest]()
        try:
            if isinstance(key, rsa.RSAPublicKey):
                if named not in (RSA_ENCRYPTION, RSA_WITH[self.digest]):
                    return False
                key.verify(self.signature, signed, padding.PKCS1v15(), digest)
            else:
                ours = self.digest != "sha512" and not isinstance(key, ed25519.Ed25519PublicKey)
                if not ours or named != ECDSA_WITH[self.digest]:
                    return False
                key.verify(self.signature, signed, ec.ECDSA(digest))
        except (InvalidSignature, ValueError):
            return False
        return True

    def written(self, certificates):
        """The token in the one form, with these certificates."""
        oid = lambda dotted: der.write(der.OID, _encoded(dotted))  # noqa: E731
        sha2 = next(name for name, value in SHA_2.items() if value == self.digest)
        digest = der.write(der.SEQUENCE, oid(sha2))
        if isinstance(self.leaf.key(), rsa.RSAPublicKey):
            algorithm = der.write(der.SEQUENCE, oid(RSA_ENCRYPTION), b"\x05\x00")
        else:
            algorithm = der.write(der.SEQUENCE, oid(ECDSA_WITH[self.digest]))
        signature = der.write(der.OCTETS, self.signature)
        signer = der.write(
            der.SEQUENCE, b"\x02\x01\x01", self.sid.raw, digest, self.attributes.raw, algorithm, signature
        )
        content = der.write(der.CONTEXT_0, der.write(der.OCTETS, self.content))
        content = der.write(der.SEQUENCE, oid(TST_INFO), content)
        certificates = der.write(der.CONTEXT_0, *sorted(certificates))
        data = der.write(
            der.SEQUENCE, b"\x02\x01\x03", der.write(der.SET, digest), content, certificates,
            der.write(der.SET, signer),
        )  # fmt: skip
        return der.write(der.SEQUENCE, oid(SIGNED_DATA), der.write(der.CONTEXT_0, data))


def consistent(raw, text):
    """By itself: over this text, signed by the certificate it brings, nothing unsigned beside."""
    token = Token(raw, text)
    keys.load(token.leaf.spki)
    require(token.written(token.certificates) == raw, "time-stamp: unsigned parts", "TIME_STAMP_INVALID")
    return token


def verify(raw, text, anchors):
    """The token, if its signer leads to one of these anchors at its time."""
    token = Token(raw, text)
    leaf = token.leaf
    leaf.check_leaf(TIME_STAMP)
    alone = leaf.purposes == [TIME_STAMPING] and leaf.purposes_critical
    leaf.invalid(alone, "it is not for time-stamping alone")
    found = path.build(anchors, token.chain, TIME_STAMP, token.time, [])
    kept = token.written([c.raw for c in found.certificates])
    require(kept == raw, "time-stamp: it holds what no signature covers", "TIME_STAMP_INVALID")
    return token


def _exactly(found, count, what):
    require(len(found) == count, what)
    return found


def _accuracy(item, what):
    """Seconds, thousandths [0], millionths [1]; in milliseconds, rounded up."""
    rest = item.inside(der.SEQUENCE, what)
    values = []
    for tag, most in ((der.INTEGER, 86_400), (0x80, 999), (0x81, 999)):
        part = der.take(rest, tag)
        values.append(part.number(tag, what) if part else 0)
        require(values[-1] <= most, what)
    require(not rest, what)
    return values[0] * 1000 + values[1] + min(values[2], 1)


def _moment(text):
    """The moment, cut to milliseconds, and the last millisecond of what was written."""
    found = TIME.fullmatch(text)
    require(found, "time-stamp: its time")
    digits, fraction = found[1].decode(), (found[2] or b"").decode()
    parts = [int(digits[:4])] + [int(digits[i : i + 2]) for i in range(4, 14, 2)]
    year, month, day, hour, minute, second = parts
    good = year >= 1970 and 1 <= month <= 12 and hour < 24 and minute < 60 and second < 60
    require(good and 1 <= day <= _days(year, month), "time-stamp: its time")
    whole = timegm((*parts, 0, 0, 0)) * 1000
    return whole + int(fraction[:3].ljust(3, "0")), whole + int(fraction[:3].ljust(3, "9"))


def _days(year, month):
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def _encoded(dotted):
    """The contents of an OBJECT IDENTIFIER."""
    arcs = [int(arc) for arc in dotted.split(".")]
    out = bytearray()
    for arc in [arcs[0] * 40 + arcs[1], *arcs[2:]]:
        chunk = [arc & 0x7F]
        while arc := arc >> 7:
            chunk.append(0x80 | arc & 0x7F)
        out += bytes(reversed(chunk))
    return bytes(out)
