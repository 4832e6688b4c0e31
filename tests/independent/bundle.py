"""[7.4] Several receipts in one file, or one after the other."""

from .cbor import Reader, array, decode, octets, tuple_of
from .errors import require

BYTES_MAX = 512 << 20
RECEIPTS_MAX = 100_000
RECEIPT_BYTES_MAX = 16 << 10
NAME = "tram-receipts"
_BEGINS = bytes([0x60 | len(NAME)]) + NAME.encode()


def is_bundle(data):
    """Whether the bytes begin as a bundle does: an array whose first element is the name."""
    return data[1:].startswith(_BEGINS)


def read(data):
    """The receipts as bytes, and the directory file or None."""
    parts = tuple_of(decode(data, BYTES_MAX, items_max=RECEIPTS_MAX), 3, 4, what="bundle: an array")
    require(parts[0] == NAME, "not a bundle")
    require(parts[1] == 1 and type(parts[1]) is int, "bundle: format version")
    receipts = array(parts[2], RECEIPTS_MAX, what="receipts")
    receipts = [octets(raw, RECEIPT_BYTES_MAX, 1, "a receipt") for raw in receipts]
    directory = octets(parts[3], 256 << 20, 1, "directory") if len(parts) == 4 else None
    return receipts, directory


def split(data):
    """Receipts that stand one after the other (RFC 8742), cut apart."""
    found = []
    while data:
        require(data[0] == 0x83, "no receipt begins here")
        reader = Reader(data, 100_000, 2)
        reader.item(1)
        found.append(data[: reader.at])
        data = data[reader.at :]
    return found
