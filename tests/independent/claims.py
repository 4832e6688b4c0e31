"""[7.7] From what holds to what is claimed."""

from .custody import CUSTODY, Chain
from .evidence_file import EvidenceFile
from .merkle import sha256
from .parts import Held, Lack
from .times import bounds

CONSIGNED, HANDED_OVER, REGISTERED, REFUSED = 6, 8, 10, 11
ENDINGS = (2, 4, 5, 7, 9, 12)
HANDLING = (14, 15, 16, 17)
LATE = (9, 12)
"""Endings at the recipient's node, after it had consigned."""
WITHOUT_GROUND = ("sealed", "custody", "arrived", "taken", "decided")
NAMES = (
    "sealed", "unrevoked", "held", "custody", "arrived", "taken", "decided", "handled", "ended",
    "when", "witnessed", "document", "stamped", "policy", "unauthorised",
)  # fmt: skip


class Finding:
    """One claim: `proof` says what proves it, or `lack` why it is not proved."""

    def __init__(self, claim, recipient, about, found, asked):
        self.claim, self.recipient, self.about, self.asked = claim, recipient, about, asked
        self.lack = found if isinstance(found, Lack) else None
        self.proof = None if self.lack else found


class Account:
    """Everything that was found out about a file."""

    def __init__(self, file, held, findings):
        self.network, self.dispatch, self.directory = file.network, file.dispatch, held.directory
        self.false, self.findings = held.false, findings


def examine(ground, data):
    """Says what an evidence file proves; raises `Refused` where the bytes are none."""
    file = EvidenceFile(data)
    held = Held(ground, file)
    try:
        held.verify()
    except Lack as lack:
        about = file.dispatch.hex()
        return Account(file, held, [Finding(c, None, about, lack, True) for c in WITHOUT_GROUND])
    return Account(file, held, Claims(ground, file, held).findings)


def attempt(make):
    """What it gives, or the lack that it raises."""
    try:
        return make()
    except Lack as lack:
        return lack


class Claims:
    """Every claim of one file, in order."""

    def __init__(self, ground, file, held):
        self.ground, self.held, self.findings = ground, held, []
        self.chain = Chain(held)
        in_time = sorted(held.receipts.values(), key=lambda r: (r.time, r.event, r.node, r.leaf))
        self.counting = [r for r in in_time if self.chain.counts(r)]
        self.authorised = [r for r in in_time if held.is_authorised(r)]
        self._seal()
        for receipt in self.counting:
            if receipt.event in CUSTODY:
                self._leaf("held", receipt)
        recipients = self._recipients()
        for recipient in recipients:
            self._of_recipient(recipient)
        if not recipients:
            self.add("arrived", None, "", Lack("no_receipt"))
        for receipt in self.counting:
            if receipt.event in HANDLING:
                self.add("handled", receipt.get(8), receipt.about(), self._said(receipt))
        for receipt in self.counting:
            if receipt.event in ENDINGS:
                self._leaf("ended", receipt)
        for receipt in self.counting:
            found = attempt(lambda r=receipt: {"place": r, "bounds": bounds(held, self.chain, r)})
            self.add("when", receipt.get(8), receipt.about(), found, False)
        self._witnesses()
        self._documents()
        self._extras(file)
        for receipt in in_time:
            if not self.chain.counts(receipt):
                lack = Lack("not_authorised", receipt)
                self.add("unauthorised", receipt.get(8), receipt.about(), lack, False)

    def add(self, claim, recipient, about, found, asked=True):
        self.findings.append(Finding(claim, recipient, about, found, asked))

    def _leaf(self, claim, receipt):
        self.add(claim, receipt.get(8), receipt.about(), {"place": receipt})

    def _seal(self):
        held = self.held
        originator = held.dispatch.content.originator if held.dispatch is not None else ""
        self.add("sealed", None, originator, held.sealed)
        unchecked = isinstance(held.unrevoked, Lack) and held.unrevoked.name == "not_checked"
        self.add("unrevoked", None, originator, held.unrevoked, not unchecked)

    def _recipients(self):
        if self.held.dispatch is not None:
            return self.held.dispatch.content.recipients
        named = {r.get(8) for r in self.held.receipts.values()} - {None}
        return sorted(named)

    def _of_recipient(self, recipient):
        # What ends the whole dispatch ends every leg of it.
        counting = [r for r in self.counting if r.get(8) is None]
        counting += [r for r in self.counting if r.get(8) == recipient]

        def first(receipts, *events):
            return next((r for r in receipts if r.event in events), None)

        def ended(on_the_way):
            for receipt in reversed(counting):
                if receipt.event in ENDINGS and (receipt.event in LATE) != on_the_way:
                    return Lack("ended", receipt)
            return Lack("no_receipt")

        # A consignment stands by the word of the recipient's node; what it rests on is another claim.
        mine = [r for r in self.authorised if r.get(8) == recipient]
        consigned = first(mine, CONSIGNED)
        custody = arrived = ended(True)
        if consigned is not None:
            custody = attempt(lambda: {"nodes": self.chain.way(consigned)})
            arrived = {"place": consigned}
        self.add("custody", recipient, "", custody)
        self.add("arrived", recipient, "", arrived)
        taken = first(counting, HANDED_OVER)
        late = ended(consigned is None)
        self.add("taken", recipient, "", {"place": taken} if taken is not None else late)
        decided = first(counting, REGISTERED, REFUSED)
        found = late
        if decided is not None:
            found = self._said(decided)
        self.add("decided", recipient, "", found)

    def _said(self, receipt):
        """A receipt with who says so: the agency, or its node alone (None)."""
        return {"place": receipt, "by": self.held.statements.get(receipt.digest)}

    def _witnesses(self):
        """One claim for each log that a counting receipt lies in."""
        logs = {}
        for receipt in self.counting:
            logs.setdefault((receipt.node, receipt.epoch), []).append(receipt)
        for (node, _), receipts in sorted(logs.items()):
            covering = [n for n in self.held.checkpoints if all(n.covers(r) for r in receipts)]
            covering.sort(key=lambda note: note.size)
            found = self._best(self.ground.policy_for(node), covering)
            self.add("witnessed", None, node, found, self.ground.asks_for_witnesses())

    @staticmethod
    def _best(policy, notes):
        """The word of the policy on the smallest checkpoint that reaches the quorum, or on the last."""
        if policy is None:
            seen = [name for note in notes for name, _, _ in note.witnesses]
            return Lack("no_quorum", seen, []) if notes else Lack("no_checkpoint")
        lack = Lack("no_checkpoint")
        for note in notes:
            if policy.logs and all(key.name != note.origin for key in policy.logs):
                lack = Lack("log_not_in_policy")
                continue
            reached, cosigned, missing = policy.judge(note.text, note.cosignatures)
            if reached:
                witnesses = [(name, time * 1000 + 999) for name, time in cosigned]
                return {"size": note.size, "witnesses": witnesses}
            lack = Lack("no_quorum", [name for name, _ in cosigned], missing)
        return lack

    def _documents(self):
        if self.held.dispatch is None:
            return
        for index, document in enumerate(self.held.dispatch.content.documents):
            there = index in self.held.documents and isinstance(self.held.sealed, dict)
            found = {"document": document} if there else Lack("no_document", document.sha256)
            self.add("document", None, document.name, found, there)

    def _extras(self, file):
        """What stands in the file and counts for nothing."""
        for note in self.held.checkpoints:
            for name in note.strangers:
                self.add("witnessed", None, name, Lack("unknown_witness"))
            for kind, stamp in note.stamps:
                if kind == "by":
                    self.add("stamped", None, note.node, {"size": note.size, "stamp": stamp})
                elif kind == "stranger":
                    self.add("stamped", None, note.node, Lack("stamp_refused", stamp))
                else:
                    self.add("stamped", None, note.node, Lack("stamp_not_checked", stamp), False)
        if file.policy is not None and file.policy != self.ground.policy_text:
            self.add("policy", None, "", Lack("other_policy", sha256(file.policy.encode())))
