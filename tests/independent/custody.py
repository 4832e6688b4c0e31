"""[7.7] The chain of custody: which receipts count, and which are claims of strangers."""

from .parts import Lack

HOPS_MAX = 64
SUBMISSION, RELAY, RELAY_REJECTION, RELAY_FAILURE, CONSIGNMENT = 1, 3, 4, 5, 6
CUSTODY = (SUBMISSION, RELAY, CONSIGNMENT)


class Chain:
    """Which receipts count."""

    def __init__(self, held):
        self.held, self.receipts = held, held.receipts
        self.vouched, self.linked, self.custodians = set(), set(), {}
        self._vouch()
        # A custody rests on one that is found before it, so what is new in one round opens the next.
        for _ in range(HOPS_MAX):
            before = len(self.linked)
            for receipt in self.receipts.values():
                if receipt.event in CUSTODY and self._carries(receipt):
                    self._take(receipt)
            if len(self.linked) == before:
                break
        for receipt in self.receipts.values():
            if receipt.event not in CUSTODY and self._may_say(receipt):
                self.linked.add(receipt.digest)

    def counts(self, receipt):
        return receipt.digest in self.linked

    def _take(self, receipt):
        self.linked.add(receipt.digest)
        if receipt.event != CONSIGNMENT:
            legs = self.custodians.setdefault(receipt.node, {})
            legs.setdefault(receipt.get(8), receipt)

    def _vouch(self):
        """Receipts on which a consignment by the recipient's own node rests."""
        for receipt in self.receipts.values():
            if receipt.event != CONSIGNMENT or not self.held.is_authorised(receipt):
                continue
            at = receipt
            for _ in range(HOPS_MAX):
                at = self._upstream(at)
                if at is None or at.digest in self.vouched:
                    break
                self.vouched.add(at.digest)

    def _upstream(self, receipt):
        """The receipt that a custody says it rests on, if it is here and fits."""
        above = self.receipts.get(receipt.get(16))
        if above is None or above.event not in (SUBMISSION, RELAY):
            return None
        hop = receipt.get(15) == above.node and receipt.node != above.node
        leg = above.get(8) is None or above.get(8) == receipt.get(8)
        return above if hop and leg else None

    def _carries(self, receipt):
        if not self.held.is_authorised(receipt):
            return False
        if receipt.event == SUBMISSION:
            return receipt.get(16) is None and receipt.get(15) is None
        if receipt.get(16) is None:
            # The mailbox is, or came to be, where custody was already.
            return receipt.event == CONSIGNMENT and self._is_custodian(receipt)
        above = self._upstream(receipt)
        if above is None or above.digest not in self.linked:
            return False
        vouched = receipt.event == CONSIGNMENT or receipt.digest in self.vouched
        return vouched or self.held.directory.are_neighbours(receipt.node, above.node)

    def _may_say(self, receipt):
        """Whether a node may say what is no custody."""
        if not self.held.is_authorised(receipt):
            return False
        if receipt.event == RELAY_REJECTION:
            giver = receipt.get(15)
            near = giver is not None and self.held.directory.are_neighbours(receipt.node, giver)
            return near and self._has_custody(giver, receipt.get(8))
        return receipt.event != RELAY_FAILURE or self._is_custodian(receipt)

    def _is_custodian(self, receipt):
        return self._has_custody(receipt.node, receipt.get(8))

    def _has_custody(self, node, recipient):
        legs = self.custodians.get(node, {})
        return None in legs or recipient in legs

    def way(self, consignment):
        """The nodes from the originator's to the recipient's; raises `Lack` at a gap."""
        nodes, at = [consignment.node], consignment
        for _ in range(HOPS_MAX):
            if at.event == SUBMISSION:
                return nodes[::-1]
            above = self._own_custody(at) if at.get(16) is None else self._upstream(at)
            if above is None or not (at.get(16) is None or self.counts(above)):
                break
            at = above
            if nodes[-1] != at.node:
                nodes.append(at.node)
        raise Lack("gap", at.node, at.get(16))

    def _own_custody(self, consignment):
        legs = self.custodians.get(consignment.node, {})
        for recipient in (consignment.get(8), None):
            found = legs.get(recipient)
            if found is not None and found.digest != consignment.digest:
                return found
        return None
