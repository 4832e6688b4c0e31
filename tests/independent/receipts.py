"""[6.1], [7] Evidence records and receipts."""

from functools import lru_cache

from . import keys
from .cbor import FIRST_ELEMENT, array, decode, digest, fields, octets, tuple_of, uint
from .cose import sign1, to_be_signed
from .errors import Refused, require
from .merkle import leaf_hash, root_of, sha256
from .names import agency, node, plain

RECEIPT_BYTES_MAX = 16 << 10
RECORD_BYTES_MAX = 8 << 10
PATH_MAX = 63
TYP = "application/tram-receipt+cose"

EVENTS = {
    1: "SubmissionAcceptance", 2: "SubmissionRejection", 3: "RelayAcceptance", 4: "RelayRejection",
    5: "RelayFailure", 6: "ContentConsignment", 7: "ContentConsignmentFailure",
    8: "ContentHandover", 9: "ContentHandoverFailure", 10: "ConsignmentAcceptance",
    11: "ConsignmentRejection", 12: "AcceptanceRejectionExpiry", 13: "SequenceVoid",
    14: "HandlingStatus", 15: "ActAcceptance", 16: "ActRejection", 17: "Withdrawal",
    18: "AnchorOverride", 30: "DocumentsRemoval",
}  # fmt: skip
OF_THE_ORIGINATORS_NODE = (1, 2, 13)
OF_THE_RECIPIENTS_NODE = (*range(6, 13), *range(14, 18))
REMOVAL = 30
UNKNOWN = "UnknownEvent"


def event_name(number):
    """One of a later version is kept, and has no effect."""
    return EVENTS.get(number, UNKNOWN)


def read_record(raw):
    """[6.1] The fields of a record by their keys."""
    record = decode(raw, RECORD_BYTES_MAX)
    fields(record, (0, 1, 2, 3, 4, 5, 7, 9, 11), (6, 8, *range(10, 24)), what="record")
    require(record[0] == 1 and type(record[0]) is int, "record: format version")
    uint(record[1], 255, 1, "record: event")
    for key in (2, 4, 5, 6, 16, 17, 18, 19, 20, 22):
        digest(record.get(key, bytes(32)), f"record: field {key}")
    for key, read in ((3, node), (7, agency), (8, agency), (15, node)):
        if key in record:
            read(record[key])
    uint(record[9], what="record: custody number")
    uint(record[11], what="record: time")
    uint(record.get(10, 1), least=1, what="record: admission number")
    uint(record.get(12, 1), 65535, 1, "record: reason")
    uint(record.get(14, 1), 16, 1, "record: status")
    if 13 in record:
        plain(record[13], 1, 4096, "record: remark")
    if 21 in record:
        series, number = tuple_of(record[21], 2, what="record: a number is an array")
        uint(series), uint(number, least=1)
    require((23 in record) == (record[1] == REMOVAL), "record: a removal says what is removed")
    if 23 in record:
        _read_removal(record[23])
    return record


def _read_removal(value):
    policy, rule, since, days, documents = tuple_of(value, 5, what="a removal is an array")
    digest(policy), plain(rule, 1, 64, "rule"), uint(since), uint(days)
    for document in array(documents, 128, 1, "removed documents"):
        digest(document)


class Receipt:
    """[7.1] A receipt, read and not verified: the root is what record and proof lead to."""

    def __init__(self, raw):
        parts = decode(raw, RECEIPT_BYTES_MAX, tag18=FIRST_ELEMENT)
        cose, salt, raw_record = tuple_of(parts, 3, what="a receipt is an array")
        protected, unprotected, payload, signature = sign1(cose)
        require(len(octets(salt, 16, what="salt")) == 16, "the salt has 16 bytes")
        octets(raw_record, RECEIPT_BYTES_MAX, what="record")
        require(payload is None, "the payload must be detached")
        header = decode(protected, RECEIPT_BYTES_MAX)
        labels = (1, 4, 16, 395, -70001, -70002, -70003, -70004)
        fields(header, labels, later=False, what="protected header")
        require(header[1] == -8, "receipts are signed with EdDSA")
        require(header[16] == TYP, "typ is not that of a receipt")
        require(header[395] == 1 and type(header[395]) is int, "unknown verifiable data structure")
        self.key = digest(header[4], "kid")
        self.node, self.epoch = node(header[-70001]), digest(header[-70002], "epoch")
        self.size = uint(header[-70003], what="tree size")
        self.committed = uint(header[-70004], what="commit time")
        size, self.leaf, self.path = self.read_proof(unprotected)
        require(size == self.size, "proof and header differ in tree size")
        self.record = read_record(raw_record)
        same = (self.record[3], self.record[4]) == (self.node, self.epoch)
        require(same, "record and header name different logs")
        leaf = leaf_hash(sha256(salt, raw_record))
        self.root = root_of(leaf, self.leaf, size, self.path)
        self.raw, self.digest = raw, sha256(raw)
        self.protected, self.signature = protected, signature

    @staticmethod
    def read_proof(unprotected):
        fields(unprotected, (396,), later=False, what="unprotected header")
        proofs = fields(unprotected[396], (-1,), later=False, what="proofs")[-1]
        raw = octets(tuple_of(proofs, 1, what="proofs: an array")[0], RECEIPT_BYTES_MAX)
        proof = decode(raw, RECEIPT_BYTES_MAX)
        size, index, path = tuple_of(proof, 3, what="a proof is an array")
        path = [digest(p, "path") for p in array(path, PATH_MAX, what="path")]
        return uint(size), uint(index), path

    # What is asked of a record.

    @property
    def event(self):
        return self.record[1]

    @property
    def time(self):
        return self.record[11]

    def get(self, key):
        return self.record.get(key)

    def about(self):
        return f"{event_name(self.event)} {self.node}"


@lru_cache(maxsize=8192)
def read(raw):
    return Receipt(raw)


def verify(receipt, network, directory):
    """[7.3] steps 2, 5, 6: that it is genuine. Raises otherwise."""
    invalid = "RECEIPT_INVALID"
    record = receipt.record
    require(record[2] == network, "the receipt is of another network", "WRONG_NETWORK")
    require(receipt.node in directory.nodes, f"directory: there is no node {receipt.node}", invalid)
    listed = directory.epoch(receipt.node, receipt.epoch)
    require(listed is not None, f"directory: node {receipt.node} has no such epoch", invalid)
    _, receipt_key, _, begins, ends = listed
    require(sha256(receipt_key) == receipt.key, "key: not the one that the directory lists", invalid)
    require(record[11] <= receipt.committed, "time: the record is later than its commit", invalid)
    within = record[11] >= begins and (ends is None or receipt.committed <= ends)
    within = within and begins <= directory.expires_at
    require(within, "time: outside the epoch that the directory lists", invalid)
    signed = to_be_signed(receipt.protected, network, receipt.root)
    try:
        keys.verify(-8, receipt_key, signed, receipt.signature)
    except Refused as error:
        raise Refused(str(error), invalid) from error


def is_authorised(receipt, directory):
    """[6.1] Whether its issuer may say it; whether it also stands in the chain is another question."""
    record, event = receipt.record, receipt.event
    if receipt.node not in directory.nodes or event not in EVENTS:
        return False
    if event in OF_THE_RECIPIENTS_NODE:
        return 8 in record and directory.hosts(receipt.node, record[8])
    if event in OF_THE_ORIGINATORS_NODE:
        return directory.hosts(receipt.node, record[7])
    return True
