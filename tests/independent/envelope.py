"""[5] Envelopes: every rule that needs nothing but the envelope."""

from .cbor import array, ascending, decode, digest, fields, octets, tuple_of, uint
from .errors import require
from .names import agency, is_date, node, plain

BYTES_MAX = 1 << 20
TEXT_MAX = 4096


class Document:
    """[5] A document as the envelope names it."""

    def __init__(self, value):
        parts = tuple_of(value, 4, 5, what="a document is an array")
        self.name = plain(parts[0], 1, 255, "document: name")
        _media_type(parts[1])
        self.size, self.sha256 = uint(parts[2], 1 << 32, what="document: size"), digest(parts[3])
        if len(parts) == 5:
            algorithm, second = tuple_of(parts[4], 2, what="a second digest is an array")
            uint(algorithm), octets(second, 64, 1, "second digest")


class Envelope:
    """What was signed, read."""

    def __init__(self, raw):
        value = decode(raw, BYTES_MAX)
        required = (0, 1, 2, 3, 5, 7, 8, 9, 10, 12, 13, 14)
        fields(value, required, (4, 6, 11, 15), what="envelope")
        require(value[0] == 1 and type(value[0]) is int, "envelope: format version")
        self.network, self.originator = digest(value[1]), agency(value[2])
        self.reference = plain(value[3], 1, 64, "reference")
        if 4 in value:
            series, number = tuple_of(value[4], 2, what="a number is an array")
            uint(series), uint(number, least=1)
        self.recipients = [agency(code) for code in array(value[5], 10_000, 1, "recipients")]
        ascending(self.recipients, "recipients")
        _label(value, 6)
        uint(value[7], 3, what="secrecy mark")
        self.subject = _metadata(value[8])
        _act(value[9])
        self.documents = [Document(d) for d in array(value[10], 256, what="documents")]
        sizes = {(d.sha256, d.size) for d in self.documents}
        require(len(sizes) == len({d.sha256 for d in self.documents}), "one digest, two sizes")
        sizes = {document.sha256: document.size for document in self.documents}
        fits = all(sizes[document.sha256] == document.size for document in self.documents)
        require(fits, "one digest stands with two sizes")
        self.sealed_by = node(value[11]) if 11 in value else None
        require(4 in value or 11 not in value, "what a node seals has a number")
        self.issued_at = uint(value[12])
        require(uint(value[13]) > self.issued_at, "expires before it was issued")
        uint(value[14], 16, 1, "max-hops")
        octets(value.get(15, b""), BYTES_MAX, what="encryption")


def _label(value, key):
    if key in value:
        plain(value[key], 1, TEXT_MAX, f"field {key}")


def _media_type(text):
    require(isinstance(text, str), "media type: not a text")
    require(len(text.encode()) <= 127, "media type too long", "TOO_LARGE")
    kind, slash, subtype = text.partition("/")
    good = all(" " <= c <= "~" for c in text) and kind and slash and subtype
    require(good, "media type is not type/subtype in printable ASCII")


def _metadata(value):
    fields(value, (4, 8), (1, 2, 3, 5, 6, 7, 9, 10), later=False, what="metadata")
    for key in (1, 2, 3, 6):
        _label(value, key)
    plain(value[4], 0, TEXT_MAX, "subject")
    for key in (5, 9):
        require(key not in value or is_date(value[key]), f"metadata: field {key} is not a date")
    if 7 in value:
        for text in tuple_of(value[7], 1, 2, what="who signed: an array"):
            plain(text, 1, TEXT_MAX, "who signed")
    urgency = value[8]
    if type(urgency) is list:
        level, at = tuple_of(urgency, 2, what="urgency: an array")
        require(level == 3 and type(level) is int, "only the highest urgency has an hour")
        uint(at)
    else:
        uint(urgency, 3, what="urgency")
    if 10 in value:
        for related in array(value[10], 64, 1, "related dispatches"):
            _related(related)
    return value[4]


def _act(value):
    parts = tuple_of(value, 1, 2, what="an act is an array")
    act = uint(parts[0], 3, what="act")
    require((act == 0) == (len(parts) == 1), f"act {act}")
    if act in (1, 2):
        _related(parts[1])
    elif act == 3:
        for related in array(parts[1], 64, 1, "related dispatches"):
            _related(related)


def _related(value):
    parts = tuple_of(value, 2, 3, what="a related dispatch is an array")
    agency(parts[0]), plain(parts[1], 1, 64, "reference")
    if len(parts) == 3:
        digest(parts[2])
