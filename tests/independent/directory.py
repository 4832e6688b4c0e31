"""[8.2] The directory: agencies, nodes and the keys of their logs; whole, or a part with its proofs."""

from functools import lru_cache

from .cbor import array, ascending, decode, digest, fields, octets, tuple_of, uint
from .cose import key_signatures
from .errors import require
from .keys import kind, load
from .merkle import leaf_hash, merkle_root, root_of, sha256
from .names import agency, node, plain

BYTES_MAX = 256 << 20
ENTRIES_MAX = 1_000_000
STEPS_MAX = 32
TYP = "application/tram-directory+cose"


def read_head(raw):
    head = decode(octets(raw, 1024, what="head"), 1024)
    fields(head, (0, 1, 2, 4, 5, 6, 7), (3,), what="head")
    require(head[0] == 1 and type(head[0]) is int, "head: format version")
    for key in (1, 3, 7):
        digest(head.get(key, bytes(32)), f"head: field {key}")
    uint(head[2], least=1, what="head: version")
    require((3 in head) == (head[2] > 1), "head: digest of the head before")
    require(uint(head[5]) > uint(head[4]), "head: expires before it was issued")
    require(uint(head[6]) <= ENTRIES_MAX, "head: number of entries", "TOO_LARGE")
    return head


@lru_cache(maxsize=4096)
def read_entry(raw):
    """Sort key, kind and fields of an entry."""
    which, entry = tuple_of(decode(raw, BYTES_MAX), 2, what="an entry is an array")
    require(uint(which, 255) in (1, 2, 3), f"entry of kind {which}")
    (_read_agency, _read_node, _read_delegation)[which - 1](entry)
    key = bytes([which]) + entry[1].encode()
    if which == 3:
        key += b"\x00" + sha256(entry[2])
    return key, which, entry


def _some(entry, key, read):
    """A list that is left out where it has no element."""
    return [read(value) for value in array(entry[key], 100_000, 1)] if key in entry else []


def _read_agency(entry):
    fields(entry, (1, 3, 4, 7), (2, 5, 6, 8, 9, 10, 11, 12), what="agency")
    agency(entry[1])
    _some(entry, 2, agency)
    plain(entry[3], 1, 4096, "agency: name")
    uint(entry[4], 255, what="agency: tier")
    for key, read in ((5, agency), (6, node), (8, agency)):
        if key in entry:
            read(entry[key])
    require(isinstance(entry[7], bool), "agency: open")

    def binding(value):
        certificate, begins, ends = tuple_of(value, 3, what="a binding is an array")
        digest(certificate), uint(begins), ends is None or uint(ends)

    _some(entry, 9, binding)
    if 10 in entry:
        plain(entry[10], 1, 4096, "agency: contact")
    for key in (11, 12):
        uint(entry.get(key, 0), what=f"agency: field {key}")


def _read_node(entry):
    fields(entry, (1, 5), (2, 3, 4, 6), what="node")
    node(entry[1])
    _some(entry, 2, lambda text: plain(text, 1, 4096, "address"))
    if 3 in entry:
        node(entry[3])
    _some(entry, 4, node)
    require(isinstance(entry[5], bool), "node: open")

    def epoch(value):
        name, receipts, checkpoints, begins, ends = tuple_of(value, 5, what="an epoch is an array")
        digest(name), octets(receipts, 2200, 1), octets(checkpoints, 2200, 1)
        uint(begins), ends is None or uint(ends)

    _some(entry, 6, epoch)


def _read_delegation(entry):
    fields(entry, (1, 2, 3), (4,), what="delegation")
    agency(entry[1]), octets(entry[2], 2200, 1), uint(entry[3])
    if 4 in entry:
        uint(entry[4])


class Directory:
    """Entries that the network's keys signed, indexed. `whole` says whether absence means anything."""

    def __init__(self, raw_head, head, entries, whole):
        self.head, self.digest, self.whole = head, sha256(raw_head), whole
        self.version, self.expires_at = head[2], head[5]
        self.agencies, self.former, self.nodes, self.children = {}, {}, {}, {}
        for _, which, entry in entries:
            if which == 1:
                self.agencies[entry[1]] = entry
            elif which == 2:
                self.nodes[entry[1]] = entry
            else:
                load(entry[2])
        self._check_agencies()
        self._check_nodes()

    def _check_agencies(self):
        bound = {}
        for code, entry in self.agencies.items():
            for former in entry.get(2, ()):
                clash = former in self.agencies or former in self.former
                require(not clash, f"the former code {former} means two agencies")
                self.former[former] = code
            for certificate, _, _ in entry.get(9, ()):
                other = bound.setdefault(certificate, code)
                require(other == code, "a certificate is bound to two agencies")
            if self.whole:
                require(6 not in entry or entry[6] in self.nodes, f"{code}: its node")
                for key in (5, 8):
                    require(entry.get(key, code) in self.agencies, f"{code}: field {key}")
            for key in (5, 8):
                self._check_end(self.agencies, code, key)

    def _check_nodes(self):
        for name, entry in self.nodes.items():
            if 3 in entry:
                require(not self.whole or entry[3] in self.nodes, f"{name}: its parent")
                self.children.setdefault(entry[3], []).append(name)
            self._check_end(self.nodes, name, 3)
            for peer in entry.get(4, ()) if self.whole else ():
                mutual = name in self.nodes.get(peer, {}).get(4, ())
                require(mutual, f"{name} lists {peer} as lateral peer, but not the reverse")
            names = [epoch[0] for epoch in entry.get(6, ())]
            require(len(set(names)) == len(names), f"{name} lists an epoch twice")
            for _, receipts, checkpoints, _, _ in entry.get(6, ()):
                for key in (receipts, checkpoints):
                    require(kind(load(key)) == "Ed25519", f"{name}: a key is not Ed25519")
                require(receipts != checkpoints, f"{name}: one key for receipts and checkpoints")

    @staticmethod
    def _check_end(entries, start, key):
        at = start
        for _ in range(STEPS_MAX + 1):
            at = entries.get(at, {}).get(key)
            if at is None:
                return
        require(False, f"{start} has no end of field {key}")

    def agency(self, code):
        return self.agencies.get(code) or self.agencies.get(self.former.get(code))

    def hosts(self, node_id, code):
        """[6.1] Whether the node hosts the agency, or the open one that took over from it."""
        found = self.agency(code)
        if found is None:
            return False
        if found.get(6) == node_id:
            return True
        for _ in range(STEPS_MAX):
            if found is None or found[7]:
                break
            found = self.agency(found[8]) if 8 in found else None
        return found is not None and found[7] and found.get(6) == node_id

    def epoch(self, node_id, epoch):
        """`(id, receipt key, checkpoint key, from, until)` of one life of a node's log, or None."""
        for listed in self.nodes.get(node_id, {}).get(6, ()):
            if listed[0] == epoch:
                return listed
        return None

    def epochs(self):
        """Every (node id, epoch)."""
        return [(name, epoch) for name in sorted(self.nodes) for epoch in self.nodes[name].get(6, ())]

    def are_neighbours(self, a, b):
        """Parent and child, or lateral peers; open or closed."""
        if a not in self.nodes or b not in self.nodes:
            return False
        x, y = self.nodes[a], self.nodes[b]
        lateral = b in x.get(4, ()) and a in y.get(4, ())
        return x.get(3) == b or y.get(3) == a or lateral

    def binds(self, code, certificate, at):
        """Whether it says that this certificate (by SHA-256) seals for this agency at that moment."""
        found = self.agency(code)
        return found is not None and any(
            named == certificate and begins <= at and (ends is None or at <= ends)
            and begins <= self.expires_at
            for named, begins, ends in found.get(9, ())
        )  # fmt: skip


def whole(file, root):
    """A directory file, verified."""
    parts = decode(file, BYTES_MAX, items_max=ENTRIES_MAX)
    raw_head, signatures, raw_entries = tuple_of(parts, 3, what="directory file: an array")
    head, signatures = read_head(raw_head), key_signatures(signatures)
    raw_entries = array(raw_entries, ENTRIES_MAX, what="entries")
    entries = [read_entry(octets(raw, BYTES_MAX, what="an entry")) for raw in raw_entries]
    ascending([entry[0] for entry in entries], "entries")
    require(head[1] == root.network, "the directory is of another network", "WRONG_NETWORK")
    root.check(signatures, TYP, raw_head)
    require(head[6] == len(entries), "head: number of entries")
    leaves = [leaf_hash(raw) for raw in raw_entries]
    require(merkle_root(leaves) == head[7], "head: root over the entries")
    return Directory(raw_head, head, entries, True)


class Part:
    """[7.7] field 4: the head, and some entries with their proofs; read, not verified."""

    def __init__(self, value):
        self.raw_head, signatures, entries = tuple_of(value, 3, what="directory: an array")
        self.head, self.signatures = read_head(self.raw_head), key_signatures(signatures)
        self.entries, self.proofs = [], []
        for entry in array(entries, 30_000, 1, "entries"):
            index, raw, path = tuple_of(entry, 3, what="an entry is an array")
            self.entries.append(read_entry(octets(raw, 1 << 20, what="an entry")))
            path = [digest(p) for p in array(path, 63, what="path")]
            self.proofs.append((uint(index), raw, path))
        ascending([proof[0] for proof in self.proofs], "entries")
        ascending([entry[0] for entry in self.entries], "entries")

    def verified(self, root):
        """The directory that these entries are a part of."""
        head = self.head
        require(head[1] == root.network, "the directory is of another network", "WRONG_NETWORK")
        root.check(self.signatures, TYP, self.raw_head)
        for index, raw, path in self.proofs:
            reached = root_of(leaf_hash(raw), index, head[6], path)
            require(reached == head[7], f"entry {index} is not one that the head commits to")
        return Directory(self.raw_head, head, self.entries, False)
