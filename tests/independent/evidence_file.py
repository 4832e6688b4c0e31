"""[7.7] Evidence files: what is in one, read and not verified."""

from .cbor import array, ascending, decode, digest, fields, octets, tuple_of, uint
from .directory import Part
from .errors import require
from .merkle import sha256

BYTES_MAX = 512 << 20
NAME = "tram-evidence"
_BEGINS = bytes([0x60 | len(NAME)]) + NAME.encode()


def is_evidence_file(data):
    """Whether the bytes begin as an evidence file does."""
    return data[1:].startswith(_BEGINS)


def _list(value, most, bytes_max, what):
    return [octets(item, bytes_max, 1, what) for item in array(value, most, 1, what)]


def _by_digest(items, what):
    ascending([sha256(item) for item in items], what)
    return items


class Proved:
    """A checkpoint with its links and time-stamps."""

    def __init__(self, value):
        note, links, stamps = tuple_of(value, 3, what="a checkpoint is an array")
        self.note = octets(note, 16384, 1, "a note")
        self.links = []
        for link in array(links, 100_000, 1, "links"):
            size, path = tuple_of(link, 2, what="a link is an array")
            self.links.append((uint(size), [digest(p) for p in array(path, 126, what="path")]))
        ascending([link[0] for link in self.links], "links")
        self.stamps = [octets(s, 65536, 1, "a token") for s in array(stamps, 8, what="time-stamps")]
        ascending(self.stamps, "time-stamps")


class EvidenceFile:
    """The fields of the body."""

    def __init__(self, data):
        name, version, body = tuple_of(decode(data, BYTES_MAX), 3, what="evidence file: an array")
        require(name == NAME, "not an evidence file")
        require(version == 1 and type(version) is int, "evidence file: format version")
        fields(body, (1, 2, 3, 4, 5), range(6, 12), later=False, what="body")
        self.network, self.root, self.dispatch = (digest(body[key]) for key in (1, 2, 3))
        self.directory = Part(body[4])
        self.receipts = _by_digest(_list(body[5], 100_000, 16384, "receipts"), "receipts")
        self.sealed = octets(body[6], 1 << 20, 1, "dispatch") if 6 in body else None
        self.lists = _list(body[7], 6, 16 << 20, "revocation lists") if 7 in body else []
        proved = array(body[8], 1024, 1, "checkpoints") if 8 in body else []
        self.checkpoints = [Proved(value) for value in proved]
        ascending([checkpoint.note for checkpoint in self.checkpoints], "checkpoints")
        statements = _list(body[9], 100_000, 131072, "statements") if 9 in body else []
        self.statements = _by_digest(statements, "statements")
        self.documents = []
        for entry in array(body[10], 256, 1, "documents") if 10 in body else ():
            index, content = tuple_of(entry, 2, what="a document is an array")
            self.documents.append((uint(index, 255), octets(content, BYTES_MAX, what="a document")))
        ascending([index for index, _ in self.documents], "documents")
        self.policy = None
        if 11 in body:
            self.policy = body[11]
            require(isinstance(self.policy, str) and self.policy, "policy: an empty text")
            require(len(self.policy.encode()) <= 65536, "policy over the limit", "TOO_LARGE")
