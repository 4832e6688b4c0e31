#!/usr/bin/env python3
"""Verifies receipts of Trạm offline. Written from docs/protocol.md alone, to show that it is enough.

It shares no code with Trạm and needs two public libraries, cbor2 and cryptography:

    python3 -m venv venv && venv/bin/pip install cbor2 cryptography
    venv/bin/python tests/verify_receipt.py --root root.cbor --directory directory.cbor *.receipt
    venv/bin/python tests/verify_receipt.py --root root.cbor directive.receipts

A file is one receipt or an export bundle ([7.4]). A bundle may bring the directory; it is verified like
any other, and without `--directory` the one of the highest version is used.

`--network HEX` compares the network id with the one that was heard by telephone. `--json` prints one
object per receipt. Exit status: 0 if every receipt verifies and its issuer may say what it says, 1 if
not, 2 for wrong use or a root document or directory that does not verify.

The numbers in brackets are sections of docs/protocol.md.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping
from datetime import datetime, timezone

import cbor2
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

DEPTH_MAX = 16
ITEMS_MAX = 100_000
ENTRIES_MAX = 1_000_000
RECEIPT_BYTES_MAX = 16 << 10
BUNDLE_BYTES_MAX = 512 << 20
BUNDLE_RECEIPTS_MAX = 100_000
BUNDLE_NAME = "tram-receipts"
EVIDENCE_BYTES_MAX = 8 << 10
ROOT_FILE_BYTES_MAX = (256 << 10) + 2 * 16 * (512 + 16) + 16
DIRECTORY_BYTES_MAX = 256 << 20
PATH_MAX = 63

EVENTS = {
    1: "SubmissionAcceptance", 2: "SubmissionRejection", 3: "RelayAcceptance", 4: "RelayRejection",
    5: "RelayFailure", 6: "ContentConsignment", 7: "ContentConsignmentFailure",
    8: "ContentHandover", 9: "ContentHandoverFailure", 10: "ConsignmentAcceptance",
    11: "ConsignmentRejection", 12: "AcceptanceRejectionExpiry", 13: "SequenceVoid",
}  # fmt: skip


class Refused(Exception):
    """Something does not hold; the text says what."""


# What reading a file, or an object of an unexpected shape, may raise besides.
DAMAGED = (OSError, cbor2.CBORDecodeError, TypeError, KeyError, ValueError)


def require(condition, what):
    if not condition:
        raise Refused(what)


def sha256(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


# [2] Deterministic CBOR: a walk that knows no types, then the library decodes.


def walk(data, bytes_max, items_max=ITEMS_MAX, tag18_in_array=False):
    """Refuses everything but one CBOR item in the form of RFC 8949 section 4.2.1."""
    require(len(data) <= bytes_max, "too large")
    end = item(data, 0, 1, items_max, tag18_in_array)
    require(end == len(data), "bytes behind the item")


def head(data, at):
    """Major type, argument and the position behind the head at `at`."""
    require(at < len(data), "cut short")
    major, info = data[at] >> 5, data[at] & 31
    if info < 24:
        return major, info, at + 1
    require(info <= 27, "an indefinite or reserved length")
    size = 1 << (info - 24)
    require(at + 1 + size <= len(data), "cut short")
    value = int.from_bytes(data[at + 1 : at + 1 + size], "big")
    least = 24 if size == 1 else 1 << (4 * size)
    require(major == 7 or value >= least, "not the shortest form")
    return major, value, at + 1 + size


def item(data, at, depth, items_max, tag18_in_array):
    first = data[at] if at < len(data) else 0
    major, value, after = head(data, at)
    if major in (0, 1):
        return after
    if major in (2, 3):
        require(after + value <= len(data), "cut short")
        if major == 3:
            try:
                data[after : after + value].decode("utf-8")
            except UnicodeDecodeError as error:
                raise Refused("a text that is not UTF-8") from error
        return after + value
    if major in (4, 5):
        require(depth <= DEPTH_MAX, "nested too deep")
        require(value <= items_max, "too many items")
        previous = b""
        for index in range(value):
            start = after
            if major == 4 and index == 0 and depth == 1 and tag18_in_array:
                tag_major, tag, inside = head(data, after)
                require(tag_major == 6 and tag == 18, "tag 18 is needed")
                after = item(data, inside, depth + 1, items_max, False)
                continue
            after = item(data, after, depth + 1, items_max, False)
            if major == 5:
                key = data[start:after]
                require(index == 0 or previous < key, "map keys repeated or out of order")
                previous = key
                after = item(data, after, depth + 1, items_max, False)
        return after
    require(major != 6, "a tag")
    require(first in (0xF4, 0xF5, 0xF6), "a simple value or floating point")
    return after


def decode(data, bytes_max, **rules):
    walk(data, bytes_max, **rules)
    return cbor2.loads(data)


def fields(value, required, optional=(), later=True, what="map"):
    """[2] Keys 0 to 127 are critical; from 128 on unknown ones are passed over."""
    require(isinstance(value, Mapping), f"{what}: not a map")
    for key in required:
        require(key in value, f"{what}: field {key} is missing")
    for key in value:
        known = key in required or key in optional
        passed = later and is_uint(key) and key >= 128
        require(known or passed, f"{what}: unknown critical field {key}")
    return value


def is_uint(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_array(value, *lengths):
    # Inside a tag the library gives tuples.
    return isinstance(value, (list, tuple)) and (not lengths or len(value) in lengths)


def is_bytes(value, length):
    return isinstance(value, bytes) and len(value) == length


# [3] COSE: what is signed, and the algorithms.


def to_be_signed(protected, network, payload):
    return cbor2.dumps(["Signature1", protected, network, payload])


def verify_signature(algorithm, spki, message, signature):
    try:
        key = load_der_public_key(spki)
        if algorithm == -8:
            require(isinstance(key, ed25519.Ed25519PublicKey), "the key is not Ed25519")
            key.verify(signature, message)
        elif algorithm in (-7, -35):
            curve, size, digest = {
                -7: (ec.SECP256R1, 32, hashes.SHA256()),
                -35: (ec.SECP384R1, 48, hashes.SHA384()),
            }[algorithm]
            right = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, curve)
            require(right and len(signature) == 2 * size, "key or signature of another kind")
            r, s = (int.from_bytes(h, "big") for h in (signature[:size], signature[size:]))
            key.verify(encode_dss_signature(r, s), message, ec.ECDSA(digest))
        elif algorithm in (-37, -38, -257):
            digest = hashes.SHA384() if algorithm == -38 else hashes.SHA256()
            right = isinstance(key, rsa.RSAPublicKey) and 2048 <= key.key_size <= 4096
            require(right, "the key is not RSA of 2048 to 4096 bits")
            scheme = padding.PKCS1v15()
            if algorithm != -257:
                scheme = padding.PSS(padding.MGF1(digest), digest.digest_size)
            key.verify(signature, message, scheme, digest)
        else:
            raise Refused(f"algorithm {algorithm}")
    except InvalidSignature as error:
        raise Refused("signature does not verify") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Refused(f"key: {error}") from error


def check_threshold(signatures, root, typ, network, payload):
    """[8.1] `[key index, alg, signature]`, strictly ascending; every one must hold."""
    require(is_array(signatures) and signatures, "no signatures")
    last = -1
    for entry in signatures:
        require(is_array(entry, 3), "a signature is an array of 3")
        index, algorithm, signature = entry
        require(is_uint(index) and index > last, "signatures repeated or out of order")
        require(index < len(root[5]), f"there is no key {index}")
        last = index
        protected = cbor2.dumps({1: algorithm, 16: typ}, canonical=True)
        message = to_be_signed(protected, network, payload)
        verify_signature(algorithm, root[5][index], message, signature)
    require(len(signatures) >= root[6], f"{len(signatures)} signatures; the threshold is {root[6]}")


# [8] Root document and directory.


def read_root(data):
    """[8.1] The verified root document and the network id."""
    parts = decode(data, ROOT_FILE_BYTES_MAX)
    require(is_array(parts, 2, 3), "root file: an array of 2 or 3")
    raw = parts[0]
    root = decode(raw, 256 << 10)
    fields(root, (0, 1, 2, 3, 5, 6, 7, 8), (4,), what="root document")
    require(root[0] == 1, "root document: format version")
    require((4 in root) == (root[3] > 1), "root document: network id")
    require((len(parts) == 3) == (root[3] > 1), "root file: signatures of the keys before")
    require(len({bytes(k) for k in root[5]}) == len(root[5]), "root document: a key stands twice")
    require(1 <= root[6] <= len(root[5]), "root document: threshold")
    network = root.get(4, sha256(raw))
    check_threshold(parts[1], root, "application/tram-root+cose", network, raw)
    return root, network


def merkle_root(leaves):
    """RFC 9162 section 2.1.1 over leaf hashes."""
    if not leaves:
        return sha256()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\x01", merkle_root(leaves[:split]), merkle_root(leaves[split:]))


class Directory:
    """[8.2] The verified directory: agencies by code, nodes by id."""

    def __init__(self, data, root, network):
        parts = decode(data, DIRECTORY_BYTES_MAX, items_max=ENTRIES_MAX)
        require(is_array(parts, 3), "directory file: an array of 3")
        raw_head, signatures, entries = parts
        head_ = decode(raw_head, 1024)
        fields(head_, (0, 1, 2, 4, 5, 6, 7), (3,), what="head")
        require(head_[0] == 1, "head: format version")
        require(head_[1] == network, "the directory is of another network")
        require((3 in head_) == (head_[2] > 1), "head: digest of the head before")
        require(head_[5] > head_[4], "head: expires before it was issued")
        check_threshold(signatures, root, "application/tram-directory+cose", network, raw_head)
        require(head_[6] == len(entries), "head: number of entries")
        leaves = [sha256(b"\x00", entry) for entry in entries]
        require(merkle_root(leaves) == head_[7], "head: root over the entries")
        self.version, self.agencies, self.former, self.nodes = head_[2], {}, {}, {}
        previous = b""
        for raw in entries:
            kind, entry = decode(raw, DIRECTORY_BYTES_MAX)
            require(kind in (1, 2, 3), f"entry of kind {kind}")
            key = bytes([kind]) + entry[1].encode()
            if kind == 3:
                key += b"\x00" + sha256(entry[2])
            require(previous < key, "entries repeated or out of order")
            previous = key
            if kind == 1:
                fields(entry, (1, 3, 4, 7), (2, 5, 6, 8, 9), what="agency")
                self.agencies[entry[1]] = entry
                self.former.update((code, entry[1]) for code in entry.get(2, ()))
            elif kind == 2:
                fields(entry, (1, 5), (2, 3, 4, 6), what="node")
                self.nodes[entry[1]] = entry

    def agency(self, code):
        return self.agencies.get(code) or self.agencies.get(self.former.get(code))

    def hosts(self, node, code):
        """[6.1] Whether the node hosts the agency, or the one that took over from it."""
        for _ in range(32):
            agency = self.agency(code)
            if agency is None:
                return False
            if agency.get(6) == node:
                return True
            if agency[7] or 8 not in agency:
                return False
            code = agency[8]
        return False

    def epoch(self, node, epoch):
        for listed in self.nodes[node].get(6, ()):
            if listed[0] == epoch:
                return listed
        raise Refused(f"directory: node {node} has no such epoch")


# [7] Receipts.


def root_of(leaf, index, size, path):
    """[7.3] step 4."""
    require(index < size, "proof: index is not below the size")
    fn, sn, r = index, size - 1, leaf
    for p in path:
        require(sn != 0, "proof: the path is too long")
        if fn & 1 or fn == sn:
            r = sha256(b"\x01", p, r)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            r = sha256(b"\x01", r, p)
        fn >>= 1
        sn >>= 1
    require(sn == 0, "proof: the path is too short")
    return r


def read_record(raw):
    record = decode(raw, EVIDENCE_BYTES_MAX)
    fields(record, (0, 1, 2, 3, 4, 5, 7, 9, 11), (6, 8, *range(10, 22)), what="record")
    require(record[0] == 1, "record: format version")
    require(0 < record[1] < 256, f"record: event {record[1]}")
    for key in (2, 4, 5, 6, 16, 17, 18, 19, 20):
        require(key not in record or is_bytes(record[key], 32), f"record: field {key}")
    return record


def verify_receipt(data, network, directory):
    """[7.3] The evidence record of a receipt that verifies, and whether its issuer may say it."""
    parts = decode(data, RECEIPT_BYTES_MAX, tag18_in_array=True)
    require(is_array(parts, 3), "a receipt is an array of 3")
    cose, salt, raw_record = parts
    cose = cose.value
    require(is_array(cose, 4), "COSE_Sign1 is an array of 4")
    protected, unprotected, payload, signature = cose
    require(payload is None, "the payload must be detached")
    require(is_bytes(salt, 16), "the salt has 16 bytes")
    require(isinstance(raw_record, bytes), "the record is a byte string")

    # 1. Header, proof, record.
    header = decode(protected, RECEIPT_BYTES_MAX)
    labels = (1, 4, 16, 395, -70001, -70002, -70003, -70004)
    fields(header, labels, later=False, what="protected header")
    require(header[1] == -8, "receipts are signed with EdDSA")
    require(header[16] == "application/tram-receipt+cose", "typ is not that of a receipt")
    require(header[395] == 1, "unknown verifiable data structure")
    fields(unprotected, (396,), later=False, what="unprotected header")
    proofs = fields(unprotected[396], (-1,), later=False, what="proofs")[-1]
    require(is_array(proofs, 1), "exactly one inclusion proof")
    proof = decode(proofs[0], RECEIPT_BYTES_MAX)
    require(is_array(proof, 3), "a proof is an array of 3")
    size, index, path = proof
    require(is_uint(size) and is_uint(index), "proof: size and index")
    require(len(path) <= PATH_MAX and all(is_bytes(p, 32) for p in path), "proof: path")
    require(size == header[-70003], "proof and header differ in tree size")
    record = read_record(raw_record)

    # 2. Whose log.
    node, epoch = record[3], record[4]
    require(record[2] == network, "the receipt is of another network")
    require((node, epoch) == (header[-70001], header[-70002]), "record and header differ in log")

    # 3., 4. From the record to the root.
    leaf = sha256(b"\x00", sha256(salt, raw_record))
    root = root_of(leaf, index, size, path)

    # 5. The key, and the time.
    require(node in directory.nodes, f"directory: there is no node {node}")
    _, receipt_key, _, begins, ends = directory.epoch(node, epoch)
    require(sha256(receipt_key) == header[4], "key: not the one that the directory lists")
    committed = header[-70004]
    require(record[11] >= begins, "time: before the epoch began")
    require(committed >= record[11], "time: the record is later than its commit")
    require(ends is None or committed <= ends, "time: after the epoch ended")

    # 6. The signature.
    verify_signature(-8, receipt_key, to_be_signed(protected, network, root), signature)

    # 7. Who may say it.
    if record[1] in (1, 2, 13):
        authorised = directory.hosts(node, record[7])
    elif record[1] not in EVENTS:
        authorised = False
    elif record[1] >= 6:
        authorised = 8 in record and directory.hosts(node, record[8])
    else:
        authorised = True
    return record, authorised


# [7.4] Bundles.


def is_bundle(data):
    """Whether the bytes begin as a bundle does: an array whose first element is the name."""
    return data[1:].startswith(cbor2.dumps(BUNDLE_NAME))


def read_bundle(data):
    """The receipts, and the directory files: one or none."""
    parts = decode(data, BUNDLE_BYTES_MAX, items_max=BUNDLE_RECEIPTS_MAX)
    require(is_array(parts, 3, 4) and parts[0] == BUNDLE_NAME, "not a bundle")
    require(is_uint(parts[1]) and parts[1] == 1, "bundle: format version")
    require(is_array(parts[2]), "bundle: receipts")
    for content in (*parts[2], *parts[3:]):
        require(isinstance(content, bytes) and content, "bundle: an empty or wrong element")
    return parts[2], parts[3:]


def moment(milliseconds):
    at = datetime.fromtimestamp(milliseconds // 1000, timezone.utc)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}Z"


def report(path, record, authorised):
    return {
        "file": path,
        "verified": True,
        "authorised": authorised,
        "event": EVENTS.get(record[1], f"event {record[1]} of a later version"),
        "node": record[3],
        "dispatch": record[5].hex(),
        "originator": record[7],
        "recipient": record.get(8),
        "time": moment(record[11]),
    }


def judge(name, data, network, directory):
    try:
        return report(name, *verify_receipt(data, network, directory))
    except Refused as error:
        reason = str(error)
    except DAMAGED as error:
        # What passes the walk and still has another shape than a receipt.
        reason = f"malformed: {error!r}"
    return {"file": name, "verified": False, "reason": reason}


def main():
    parser = argparse.ArgumentParser(description="Verify receipts of Trạm offline.")
    parser.add_argument("--root", required=True, help="root file of the network")
    parser.add_argument("--directory", help="a signed directory; otherwise that of a bundle")
    parser.add_argument("--network", help="the network id expected, 64 hexadecimal digits")
    parser.add_argument("--json", action="store_true", help="one JSON object per receipt")
    parser.add_argument("receipts", nargs="+", metavar="FILE", help="receipts or bundles of them")
    options = parser.parse_args()

    def read(path):
        with open(path, "rb") as file:
            return file.read()

    items, unreadable, brought = [], [], []
    for path in options.receipts:
        try:
            data = read(path)
            if not is_bundle(data):
                items.append((path, data))
                continue
            receipts, directories = read_bundle(data)
            items += [(f"{path} {number}", raw) for number, raw in enumerate(receipts, 1)]
            brought += directories
        except (Refused, *DAMAGED) as error:
            unreadable.append({"file": path, "verified": False, "reason": str(error)})
    try:
        root, network = read_root(read(options.root))
        expected = options.network
        require(expected is None or network.hex() == expected.lower(), "another network id")
        files = [read(options.directory)] if options.directory else brought
        require(files, "no bundle brings a directory: give --directory")
        directories = [Directory(file, root, network) for file in files]
        directory = max(directories, key=lambda d: d.version)
    except (Refused, *DAMAGED) as error:
        print(f"root document or directory: {error}", file=sys.stderr)
        return 2
    good = bool(items) and not unreadable
    for found in [*(judge(*item, network, directory) for item in items), *unreadable]:
        good &= found["verified"] and found.get("authorised", False)
        if options.json:
            print(json.dumps(found, ensure_ascii=False))
        elif not found["verified"]:
            print(f"REFUSED       {found['file']}: {found['reason']}")
        else:
            word = "verified    " if found["authorised"] else "UNAUTHORISED"
            recipient = f" for {found['recipient']}" if found["recipient"] else ""
            print(f"{word}  {found['event']} by {found['node']}{recipient} at {found['time']}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
