"""[7.7] Every part of an evidence file by itself: what holds is kept, what does not is false."""

from . import receipts as receipt_format
from . import revocation, sealed
from .checkpoints import read_checkpoint
from .errors import Refused, require
from .merkle import sha256

FIRST = 1
INVALID = "RECEIPT_INVALID"


class Lack(Exception):
    """Why nothing, or one claim, is not proved: a name, and what it is about."""

    def __init__(self, name, *about):
        super().__init__(name)
        self.name, self.about = name, about


class Held:
    """What of the file holds. Raises `Lack` where there is no ground to stand on."""

    def __init__(self, ground, file):
        self.ground, self.file, self.false = ground, file, []
        self.directory = None

    def add(self, part, number, refused):
        self.false.append((part, number, refused.code, str(refused)))

    def say(self, part, number, code, what):
        self.false.append((part, number, code, what))

    def verify(self):
        file, root = self.file, self.ground.root
        if file.network != root.network:
            self.say("file", None, "WRONG_NETWORK", "the file is of another network")
            raise Lack("no_ground")
        if file.root != root.digest:
            raise Lack("other_root", file.root)
        try:
            self.directory = file.directory.verified(root)
        except Refused as error:
            self.add("directory", None, error)
            raise Lack("no_ground") from error
        dispatch = self._dispatch()
        self._same_object(dispatch, self._receipts())
        self._forks()
        self.first = self._first()
        self._seal()
        self.resting = {}
        for receipt in self.receipts.values():
            if 16 in receipt.record:
                self.resting.setdefault(receipt.record[16], []).append(receipt.digest)
        self.checkpoints = []
        for number, proved in enumerate(file.checkpoints):
            try:
                self.checkpoints.append(read_checkpoint(proved, self))
            except Refused as error:
                self.add("checkpoint", number, error)
        self._statements()
        self._documents()

    def _dispatch(self):
        if self.file.sealed is None:
            return None
        try:
            found = sealed.dispatch(self.file.sealed)
            other = "the dispatch in the file is not the one that the file is about"
            require(found.id == self.file.dispatch, other, "SIGNATURE_INVALID")
        except Refused as error:
            self.add("dispatch", None, error)
            return None
        return found

    def _receipts(self):
        genuine = []
        for number, raw in enumerate(self.file.receipts):
            try:
                receipt = receipt_format.read(raw)
                self._genuine(receipt)
                genuine.append((number, receipt))
            except Refused as error:
                self.add("receipt", number, error)
        return genuine

    def _genuine(self, receipt):
        receipt_format.verify(receipt, self.file.network, self.directory)
        require(receipt.record[5] == self.file.dispatch, "it is about another dispatch", INVALID)

    def is_authorised(self, receipt):
        return receipt_format.is_authorised(receipt, self.directory)

    def _is_first(self, receipt):
        alone = 15 not in receipt.record and 16 not in receipt.record
        return receipt.event == FIRST and alone and self.is_authorised(receipt)

    def _same_object(self, dispatch, genuine):
        """One object digest, and the parties of the envelope."""
        taken = [r for _, r in genuine if self._is_first(r)]
        objects = [min(taken, key=lambda r: r.time).get(6)] if taken else []
        objects += [dispatch.object] if dispatch else []
        objects += [r.get(6) for _, r in genuine]
        found = next((o for o in objects if o is not None), None)
        if dispatch is not None and dispatch.object != found:
            what = "the dispatch is not, byte for byte, the one that the first node took"
            self.say("dispatch", None, "SIGNATURE_INVALID", what)
            dispatch = None
        self.dispatch, self.receipts = dispatch, {}
        for number, receipt in genuine:
            other_bytes = receipt.get(6) not in (None, found)
            if other_bytes or self._has_other_parties(receipt):
                what = "other bytes" if other_bytes else "parties not in the envelope"
                self.say("receipt", number, INVALID, f"it is about {what}")
            else:
                self.receipts[receipt.digest] = receipt

    def _has_other_parties(self, receipt):
        if self.dispatch is None:
            return False
        envelope = self.dispatch.content
        recipient = receipt.get(8)
        unknown = recipient is not None and recipient not in envelope.recipients
        return receipt.record[7] != envelope.originator or unknown

    def _forks(self):
        roots = {}
        for receipt in self.receipts.values():
            log = (receipt.node, receipt.epoch, receipt.size)
            if roots.setdefault(log, receipt.root) != receipt.root:
                what = f"{receipt.node} signed two roots of one log at size {receipt.size}"
                self.say("file", None, "LOG_FORK", what)

    def _first(self):
        found = [r for r in self.receipts.values() if self._is_first(r)]
        return min(found, key=lambda r: (r.time, r.digest), default=None)

    def _seal(self):
        """`sealed` and `unrevoked`: each a proof or a Lack."""
        lists, lack = self._lists()
        self.lists = lists
        if self.dispatch is None:
            self.sealed = Lack("forged" if self.file.sealed is not None else "no_envelope")
            self.unrevoked = self.sealed
            return
        at = self.dispatch.content.issued_at if self.first is None else self.first.time
        try:
            signer = self._signer(self.dispatch, self.dispatch.content.originator, at)
        except Refused as error:
            if self.first is not None or error.code in ("SIGNATURE_INVALID", "WRONG_NETWORK"):
                self.add("dispatch", None, error)
            self.sealed = self.unrevoked = Lack("forged")
        else:
            self.sealed = {"signer": signer, "at": at, "node": self.dispatch.content.sealed_by}
            self.unrevoked = lack or self._unrevoked(signer)
        if self.first is None:
            self.sealed = self.unrevoked = Lack("no_first_custody")

    def _signer(self, found, agency, at):
        return sealed.verify(found, agency, self.ground.root, self.directory, at, self.lists)

    def _lists(self):
        """The lists to judge by, or none, and why."""
        if self.first is None:
            return [], Lack("no_first_custody")
        digests = [sha256(raw) for raw in self.file.lists]
        named = digests[0] if len(digests) == 1 else sha256(*digests) if digests else None
        used = self.first.get(18)
        if named is None:
            return [], Lack("not_checked") if used is None else Lack("no_lists", used)
        if used != named:
            what = "the revocation lists are not those that the first node's receipt names"
            self.say("revocation", None, INVALID, what)
            return [], Lack("forged")
        try:
            return [revocation.read(raw) for raw in self.file.lists], None
        except Refused as error:
            self.add("revocation", None, error)
            return [], Lack("forged")

    def _unrevoked(self, signer):
        if revocation.digest_of(signer.listed) != self.first.get(18):
            what = "the revocation lists are not those of this certificate's path"
            self.say("revocation", None, INVALID, what)
            return Lack("forged")
        word, as_of = revocation.status(signer.listed, self.first.time)
        if word == "unknown":
            return Lack("lists_too_old", as_of)
        return Lack("not_checked") if word == "not_checked" else {"word": word, "as_of": as_of}

    def _statements(self):
        """Who sealed the statement that a receipt names, and for whom, by the digest of the receipt."""
        self.statements = {}
        for number, raw in enumerate(self.file.statements):
            try:
                self.statements.update(self._statement(sealed.statement(raw)))
            except Refused as error:
                self.add("statement", number, error)

    def _statement(self, found):
        said, signers = found.content, {}
        for receipt in self.receipts.values():
            record = receipt.record
            if record.get(19) != found.object:
                continue
            same = said.is_said_by(record)
            require(same, "it says something else than the receipt that names it", INVALID)
            signer = self._signer(found, said.agency, receipt.time)
            signers[receipt.digest] = {"signer": signer, "node": said.sealed_by}
        require(signers, "no receipt in the file names it", INVALID)
        return signers

    def _documents(self):
        named = self.dispatch.content.documents if self.dispatch is not None else []
        self.documents = set()
        for index, content in self.file.documents:
            fits = index < len(named) and named[index].size == len(content)
            if fits and named[index].sha256 == sha256(content):
                self.documents.add(index)
            else:
                what = "its bytes are not those that the envelope names"
                self.say("document", index, "DOCUMENT_DIGEST_MISMATCH", what)
        for index, document in enumerate(named):
            if self.ground.documents.get(document.sha256) == document.size:
                self.documents.add(index)
