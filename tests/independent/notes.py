"""[7.5], [7.8] Signed notes, checkpoints and cosignatures (C2SP signed-note, tlog-checkpoint,
tlog-cosignature)."""

import base64
import binascii
import re
from functools import lru_cache

from . import keys
from .errors import Refused, require
from .merkle import EMPTY_ROOT, TREE_SIZE_MAX, sha256
from .names import CONTROL

NOTE_BYTES_MAX = 16 << 10
LINES_MAX = 32
NAME_BYTES_MAX = 256
TEXT_BYTES_MAX = 4 << 10
COSIGNATURE_LINE_BYTES_MAX = 365
_NO_NAME = re.compile("[\\s+\x00-\x1f\x7f-\x9f]")
_NO_NOTE = re.compile("[\x00-\x09\x0b-\x1f]")
ED25519, COSIGNATURE = 1, 4
"""Signature types."""


def strict_base64(text, what):
    """Standard alphabet, padded, one spelling."""
    try:
        found = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused(what) from error
    require(base64.b64encode(found).decode() == text, what)
    return found


def check_name(name):
    require(0 < len(name.encode()) <= NAME_BYTES_MAX, "not a key name")
    require(not _NO_NAME.search(name), "not a key name")
    return name


class Key:
    """A named Ed25519 key for one signature type."""

    def __init__(self, name, kind, raw):
        self.name, self.kind = check_name(name), kind
        self.id = sha256(name.encode(), b"\n", bytes([kind]), raw)[:4]
        self.raw, self.spki = raw, keys.ed25519_spki(raw)
        keys.load(self.spki)

    @staticmethod
    def of_text(text):
        """`name+id+base64(type ‖ key)`."""
        require(len(text.encode()) <= NAME_BYTES_MAX + 128, "a verifier key over the limit")
        parts = text.split("+", 2)
        require(len(parts) == 3, "not a verifier key")
        data = strict_base64(parts[2], "not a verifier key")
        require(data and data[0] in (ED25519, COSIGNATURE), "a key of another type")
        require(len(data) == 33, "not a verifier key")
        key = Key(parts[0], data[0], data[1:])
        require(key.id.hex() == parts[1], "a verifier key with another key's id")
        return key

    def is_of(self, line):
        return line.name == self.name and line.id == self.id

    def holds(self, signed, signature):
        try:
            keys.verify(-8, self.spki, signed, signature)
        except Refused:
            return False
        return True


class Line:
    """One signature line."""

    def __init__(self, text):
        parts = text.split(" ", 2)
        require(len(parts) == 3 and parts[0] == "\u2014", "not a signature line")
        self.name = check_name(parts[1])
        data = strict_base64(parts[2], "not a signature line")
        require(len(data) > 4, "an empty signature")
        self.id, self.signature, self.text = data[:4], data[4:], text

    def cosigned_at(self, text, key):
        """The time of a cosignature by this key on the checkpoint with this text; raises if it is none."""
        time, signed = self.cosignature(text)
        require(key.kind == COSIGNATURE and key.is_of(self), "a cosignature of another key")
        require(key.holds(signed, self.signature[8:]), "the cosignature does not verify")
        return time

    def cosignature(self, text):
        """Time, and what is signed."""
        require(len(self.signature) == 72, "not a cosignature")
        time = int.from_bytes(self.signature[:8], "big")
        require(time < 1 << 63, "a cosignature's time")
        return time, f"cosignature/v1\ntime {time}\n{text}".encode()


class Note:
    """A signed note, read: its text with the last newline, and its lines."""

    def __init__(self, raw):
        require(len(raw) <= NOTE_BYTES_MAX, "a note over the limit", "TOO_LARGE")
        try:
            whole = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Refused("a note that is not UTF-8") from error
        require(not _NO_NOTE.search(whole), "a control character in a note")
        end = whole.rfind("\n\n")
        require(end >= 0 and whole.endswith("\n") and end + 2 < len(whole), "not a signed note")
        self.text, lines = whole[: end + 1], whole[end + 2 : -1].split("\n")
        require(len(lines) <= LINES_MAX, "too many lines", "TOO_LARGE")
        self.lines = [Line(line) for line in lines]

    def is_signed_by(self, key):
        """At least one line of this key, and every one verifies."""
        mine = [line for line in self.lines if key.is_of(line)]
        signed = self.text.encode()
        return bool(mine) and all(key.holds(signed, line.signature) for line in mine)


class Checkpoint:
    """[7.5] Origin, tree size and root, read from the text of a note."""

    def __init__(self, text):
        require(len(text.encode()) <= TEXT_BYTES_MAX, "a checkpoint over the limit", "TOO_LARGE")
        require(text.endswith("\n"), "a checkpoint without its last newline")
        lines = text[:-1].split("\n")
        require(len(lines) >= 3, "a checkpoint has three lines")
        self.origin, size, root = lines[:3]
        good = self.origin and not CONTROL.search(self.origin)
        require(good and len(self.origin.encode()) <= NAME_BYTES_MAX, "a checkpoint's origin")
        digits = size.isascii() and size.isdigit() and (size == "0" or size[0] != "0")
        require(digits and len(size) < 20, "a checkpoint's size")
        self.size, self.root = int(size), strict_base64(root, "a checkpoint's root")
        require(self.size <= TREE_SIZE_MAX and len(self.root) == 32, "a checkpoint's root or size")
        require(self.size or self.root == EMPTY_ROOT, "not the root of no leaves")
        later = lines[3:]
        plain = all(x and not CONTROL.search(x) for x in later)
        require(plain and len(later) <= 16, "a checkpoint's further lines")


def origin(network, node, epoch):
    return f"tram/{network.hex()}/{node}/{epoch.hex()}"


def log_of(directory, network, name):
    """The node and epoch whose origin this is, by the directory; None where it lists none."""
    for node, epoch in directory.epochs():
        if origin(network, node, epoch[0]) == name:
            return node, epoch
    return None


def log_key(network, node, epoch, kind=ED25519):
    """[7.5], [7.8] The checkpoint key of a node's epoch, for one signature type."""
    return _key(origin(network, node, epoch[0]), kind, keys.raw_ed25519(epoch[2]))


@lru_cache(maxsize=4096)
def _key(name, kind, raw):
    return Key(name, kind, raw)


def verify(raw, directory, network, node=None):
    """[7.5] Note, checkpoint, node and epoch of a log of the directory (of this node, if it is given)."""
    note = Note(raw)
    name = note.text.split("\n", 1)[0]
    found = log_of(directory, network, name)
    of_it = found is not None and node in (None, found[0])
    require(of_it, "checkpoint: of no log that the directory lists", "RECEIPT_INVALID")
    node, epoch = found
    own = note.is_signed_by(log_key(network, node, epoch))
    require(own, "checkpoint: its log did not sign it", "RECEIPT_INVALID")
    return note, Checkpoint(note.text), node, epoch


def node_cosigned_at(line, text, directory, network):
    """[7.8] `(node, time)` of a cosignature by a node of the directory; None for a key that it does not
    list; raises where the line does not verify."""
    found = log_of(directory, network, line.name)
    if found is None:
        return None
    node, epoch = found
    key = log_key(network, node, epoch, COSIGNATURE)
    if key.id != line.id:
        return None
    require(len(line.text.encode()) <= COSIGNATURE_LINE_BYTES_MAX, "a line over the limit", "TOO_LARGE")
    time = line.cosigned_at(text, key)
    # It counts whole seconds, which a moment within one is not before.
    begins, ends = epoch[3] // 1000, epoch[4]
    within = begins <= time and (ends is None or time <= ends // 1000)
    require(within, "cosignature: its time is outside of the witness's epoch", "RECEIPT_INVALID")
    return node, time
