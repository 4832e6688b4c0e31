"""[2] Deterministic CBOR: a reader that refuses every second spelling, and what to ask of its values."""

from .errors import require

DEPTH_MAX = 16
ITEMS_MAX = 100_000
U64_MAX = (1 << 64) - 1

NOWHERE, TOP, FIRST_ELEMENT = range(3)
"""Where tag 18 may stand."""


class Tagged(list):
    """An array that stands behind tag 18."""


class OddKey:
    """A map key that is no integer, under which nothing is ever asked for."""

    def __init__(self, value):
        self.value = value


def decode(data, bytes_max, items_max=ITEMS_MAX, tag18=NOWHERE):
    """The value of exactly one item in the form of RFC 8949 section 4.2.1."""
    require(len(data) <= bytes_max, f"{len(data)} bytes, at most {bytes_max} allowed", "TOO_LARGE")
    reader = Reader(data, items_max, tag18)
    value = reader.item(1, tag18 == TOP)
    require(reader.at == len(data), "bytes are left over")
    return value


class Reader:
    def __init__(self, data, items_max, tag18):
        self.data, self.at, self.items_max, self.tag18 = data, 0, items_max, tag18

    def head(self):
        data, at = self.data, self.at
        require(at < len(data), "ends early")
        major, info = data[at] >> 5, data[at] & 31
        self.at = at + 1
        if info < 24 or major == 7:
            return major, info
        require(info != 31 or major not in (2, 3, 4, 5), "indefinite length", "NOT_CANONICAL")
        require(info <= 27, "a reserved head")
        width = 1 << (info - 24)
        argument = self.take(width)
        value = int.from_bytes(argument, "big")
        least = 24 if width == 1 else 1 << (4 * width)
        require(value >= least, "not in its shortest form", "NOT_CANONICAL")
        return major, value

    def take(self, length):
        end = self.at + length
        require(end <= len(self.data), "ends early")
        taken = self.data[self.at : end]
        self.at = end
        return bytes(taken)

    def item(self, depth, tag_allowed=False):
        major, value = self.head()
        if major == 0:
            return value
        if major == 1:
            return -1 - value
        if major == 2:
            return self.take(value)
        if major == 3:
            try:
                return self.take(value).decode("utf-8")
            except UnicodeDecodeError:
                require(False, "a text that is not UTF-8")
        if major in (4, 5):
            require(depth <= DEPTH_MAX, "nested too deep", "TOO_LARGE")
            require(value <= self.items_max, "too many items", "TOO_LARGE")
            return self.array(value, depth) if major == 4 else self.map(value, depth)
        if major == 6:
            require(tag_allowed and value == 18, f"tag {value}")
            content = self.item(depth)
            require(isinstance(content, list), "tag 18 around something else than an array")
            return Tagged(content)
        require(value in (20, 21, 22), "a simple value or floating point")
        return {20: False, 21: True, 22: None}[value]

    def array(self, count, depth):
        first = depth == 1 and self.tag18 == FIRST_ELEMENT
        return [self.item(depth + 1, first and index == 0) for index in range(count)]

    def map(self, count, depth):
        found, before = {}, None
        for _ in range(count):
            start = self.at
            key = self.item(depth + 1)
            raw = self.data[start : self.at]
            in_order = before is None or before < raw
            require(in_order, "map keys repeated or out of order", "NOT_CANONICAL")
            before = raw
            # true and 1 are one key to Python.
            found[key if type(key) is int else OddKey(key)] = self.item(depth + 1)
        return found


# What may be asked of a value. Each raises Refused or gives the value.


def fields(value, required, optional=(), later=True, what="map"):
    """[2] A map with these keys; keys from 128 on are passed over where `later` says so."""
    require(isinstance(value, dict), f"{what}: not a map")
    for key in required:
        require(key in value, f"{what}: there is no field {key}")
    for key in value:
        known = key in required or key in optional
        passed = later and type(key) is int and key >= 128
        require(known or passed, f"{what}: an unknown critical field {key}")
    return value


def uint(value, most=U64_MAX, least=0, what="a number"):
    require(type(value) is int and least <= value <= most, f"{what} out of bounds")
    return value


def octets(value, most, least=0, what="a byte string"):
    require(type(value) is bytes, f"{what}: not bytes")
    require(len(value) <= most, f"{what}: {len(value)} bytes, at most {most} allowed", "TOO_LARGE")
    require(len(value) >= least, f"{what}: no bytes")
    return value


def digest(value, what="a digest"):
    require(type(value) is bytes and len(value) == 32, f"{what}: 32 bytes are needed")
    return value


def array(value, most, least=0, what="an array"):
    require(type(value) is list, f"{what}: not an array")
    require(len(value) <= most, f"{what}: {len(value)} elements, at most {most} allowed", "TOO_LARGE")
    require(len(value) >= least, f"{what}: at least {least} elements are needed")
    return value


def tuple_of(value, *lengths, what="an array"):
    require(type(value) is list and len(value) in lengths, f"{what} of {lengths} is needed")
    return value


def ascending(keys, what):
    """Strictly, so that nothing stands twice."""
    require(all(a < b for a, b in zip(keys, keys[1:])), f"{what}: repeated or out of order")
