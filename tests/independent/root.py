"""[8.1] The root document: the network's keys, threshold and trust anchors."""

import cbor2

from . import keys
from .cbor import array, decode, digest, fields, octets, tuple_of, uint
from .certificate import Certificate
from .cose import key_signatures, to_be_signed
from .errors import require
from .merkle import sha256
from .names import plain

DOCUMENT_BYTES_MAX = 256 << 10
FILE_BYTES_MAX = DOCUMENT_BYTES_MAX + 2 * 16 * (512 + 16) + 16
LIFETIME_MS_MAX = 7_776_000_000


class Root:
    """A root document that its own threshold of keys signed."""

    def __init__(self, file):
        parts = tuple_of(decode(file, FILE_BYTES_MAX), 2, 3, what="root file: an array")
        raw = octets(parts[0], DOCUMENT_BYTES_MAX, what="root document")
        signatures = key_signatures(parts[1])
        if len(parts) == 3:
            key_signatures(parts[2])
        document = decode(raw, DOCUMENT_BYTES_MAX)
        fields(document, (0, 1, 2, 3, 5, 6, 7, 8), (4,), what="root document")
        require(document[0] == 1 and type(document[0]) is int, "root document: format version")
        plain(document[1], 1, 4096, "root document: name")
        require(len(octets(document[2], 16)) == 16, "root document: nonce")
        version = uint(document[3], least=1, what="root document: version")
        require((4 in document) == (version > 1), "root document: network id")
        require((len(parts) == 3) == (version > 1), "root file: signatures of the keys before")
        self.keys = [octets(k, 2200, 1, "a key") for k in array(document[5], 16, 1, "keys")]
        require(len(set(self.keys)) == len(self.keys), "root document: a key stands twice")
        self.threshold = uint(document[6], len(self.keys), 1, "root document: threshold")
        uint(document[8], LIFETIME_MS_MAX, 1, "root document: lifetime")
        self.digest = sha256(raw)
        self.network = digest(document[4]) if 4 in document else self.digest
        for key in self.keys:
            keys.load(key)
        self.seals = self.anchors(document[7])
        self.check(signatures, "application/tram-root+cose", raw)

    @staticmethod
    def anchors(value):
        """The anchors for seals; all must serve."""
        seals = []
        for entry in array(value, 96, what="trust anchors"):
            der, purposes = tuple_of(entry, 2, what="an anchor is an array")
            anchor = Certificate(octets(der, 16384, 1, "an anchor"))
            uint(purposes, 3, 1, "an anchor's purposes")
            anchor.check_anchor()
            if purposes & 2:
                seals.append(anchor)
        return seals

    def check(self, signatures, typ, payload):
        """Every signature must hold, and the threshold be reached."""
        for index, algorithm, signature in signatures:
            require(index < len(self.keys), f"there is no key {index}", "DIRECTORY_INVALID")
            protected = cbor2.dumps({1: algorithm, 16: typ}, canonical=True)
            signed = to_be_signed(protected, self.network, payload)
            keys.verify(algorithm, self.keys[index], signed, signature)
        count = len(signatures)
        require(count >= self.threshold, f"{count} signatures; the threshold is {self.threshold}")
