"""DER (X.690): items with definite lengths in their shortest form; what is hashed is what came."""

from .errors import require

BOOLEAN, INTEGER, OCTETS, NULL, OID, TIME = 0x01, 0x02, 0x04, 0x05, 0x06, 0x18
SEQUENCE, SET, CONTEXT_0, CONTEXT_1 = 0x30, 0x31, 0xA0, 0xA1


class Item:
    """One item: its tag, all of it, its contents."""

    __slots__ = ("tag", "raw", "value")

    def __init__(self, tag, raw, value):
        self.tag, self.raw, self.value = tag, raw, value

    def contents(self, tag, what):
        require(self.tag == tag, what)
        return self.value

    def inside(self, tag, what):
        return items(self.contents(tag, what), what)

    def number(self, tag, what):
        """A small INTEGER that is not negative."""
        value = self.contents(tag, what)
        shortest = len(value) > 0 and (value[0] < 0x80 and (value[0] or len(value) == 1 or value[1] >= 0x80))
        require(shortest and len(value) <= 8, what)
        return int.from_bytes(value, "big")


def items(data, what):
    """The items that the bytes consist of."""
    found, at = [], 0
    while at < len(data):
        start = at
        tag = data[at]
        require(tag & 0x1F != 0x1F and at + 2 <= len(data), what)
        length, at = data[at + 1], at + 2
        if length >= 0x80:
            width = length & 0x7F
            require(1 <= width <= 4 and at + width <= len(data), what)
            length = int.from_bytes(data[at : at + width], "big")
            require(length >= 0x80 and length >> (8 * (width - 1)), what)
            at += width
        require(at + length <= len(data), what)
        found.append(Item(tag, data[start : at + length], data[at : at + length]))
        at += length
    return found


def one(data, tag, what):
    """The one item that the bytes are."""
    found = items(data, what)
    require(len(found) == 1 and found[0].tag == tag, what)
    return found[0]


def take(found, tag):
    """Takes the first item off the list if it has this tag."""
    return found.pop(0) if found and found[0].tag == tag else None


def write(tag, *parts):
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    width = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | width]) + length.to_bytes(width, "big") + content


def dotted(oid):
    """An object identifier as people write it."""
    arcs, value = [], 0
    for byte in oid:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            if not arcs:
                first = min(value // 40, 2)
                arcs += [first, value - 40 * first]
            else:
                arcs.append(value)
            value = 0
    return ".".join(map(str, arcs))
