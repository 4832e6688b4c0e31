"""Questions on standard input, for tests: one process answers thousands of cases.

A question is four bytes of length, most significant first, and a CBOR array; an answer is four bytes of
length and a JSON object. Questions:

    ["ground", name, root, policy / null, directory / null, [* authorities]]
    ["evidence", name, bytes]
    ["receipt", name, bytes]
    ["bundle", name, bytes]
    ["checkpoint", name, bytes]
    ["proof", name, bytes]
    ["consistency", old size, old root, new size, new root, [* hash]]
    ["inclusion", leaf hash, index, size, [* hash]]
"""

import json

from . import bundle, facts, log_proof, receipts, report
from .cbor import decode
from .checkpoint_file import judge_checkpoint
from .claims import examine
from .errors import Refused
from .ground import Ground
from .merkle import check_consistency, root_of

QUESTION_BYTES_MAX = 512 << 20
UNREADABLE, VERIFIED, REFUSED = "unreadable", "verified", "refused"


class Answers:
    """Grounds by name, and an answer to each kind of question."""

    def __init__(self):
        self.grounds = {}

    def ground(self, name, root, policy, directory, authorities):
        self.grounds[name] = Ground(root, policy, directory, authorities or None)
        return {"verdict": VERIFIED}

    def evidence(self, name, data):
        try:
            account = examine(self.grounds[name], data)
        except Refused:
            return {"verdict": UNREADABLE}
        return {
            "verdict": report.verdict(account),
            "claims": [
                [f.claim, f.recipient, f.about, f.asked, f.lack and f.lack.name, facts.of(f)]
                for f in account.findings
            ],
            "false": [part[:2] for part in account.false],
        }

    def receipt(self, name, data):
        ground = self.grounds[name]
        try:
            receipt = receipts.read(data)
            receipts.verify(receipt, ground.root.network, ground.directory)
        except Refused:
            return {"verdict": REFUSED}
        return {
            "verdict": VERIFIED,
            "authorised": receipts.is_authorised(receipt, ground.directory),
            "receipt": receipt.digest.hex(),
        }

    def bundle(self, name, data):
        try:
            found, directory = bundle.read(data)
        except Refused:
            return {"verdict": UNREADABLE}
        answers = [self.receipt(name, raw) for raw in found]
        return {"verdict": "read", "directory": directory is not None, "receipts": answers}

    def checkpoint(self, name, data):
        try:
            found = judge_checkpoint(data, self.grounds[name])
        except Refused:
            return {"verdict": REFUSED}
        return {"verdict": VERIFIED, **found}

    def proof(self, name, data):
        ground = self.grounds[name]
        try:
            read = log_proof.read(data)
            word, _ = log_proof.judge(read, ground.directory, ground.root.network)
        except Refused:
            return {"verdict": REFUSED}
        return {"verdict": word}

    def consistency(self, *question):
        try:
            check_consistency(*question)
        except Refused:
            return {"verdict": REFUSED}
        return {"verdict": VERIFIED}

    def inclusion(self, leaf, index, size, path):
        try:
            return {"verdict": VERIFIED, "root": root_of(leaf, index, size, path).hex()}
        except Refused:
            return {"verdict": REFUSED}


def serve(source, sink):
    answers = Answers()
    while head := source.read(4):
        question = source.read(int.from_bytes(head, "big"))
        kind, *rest = decode(question, QUESTION_BYTES_MAX, items_max=1_000_000)
        answer = json.dumps(getattr(answers, kind)(*rest), ensure_ascii=False).encode()
        sink.write(len(answer).to_bytes(4, "big") + answer)
        sink.flush()
    return 0
