"""[7.7] When it happened: bounds by others than the node that says so.

A bound is `(moment, rank, name)`; the rank orders whose clock it is where two moments are the same.
"""

from .parts import Lack

SKEW_MS = 300_000
ORIGINATOR, NODE, WITNESS, TIME_STAMP = range(4)


def bounds(held, chain, receipt):
    """`(earliest, latest)`; raises `Lack`."""
    latest = _latest(held, chain, receipt)
    if latest is None:
        raise Lack("no_latest", receipt)
    earliest = _earliest(held, chain, receipt)
    if earliest is None:
        raise Lack("no_envelope")
    in_order = earliest[0] <= latest[0] + SKEW_MS
    own_fits = earliest[0] <= receipt.time + SKEW_MS and receipt.time <= latest[0] + SKEW_MS
    if not (in_order and own_fits):
        raise Lack("clocks", receipt, earliest, latest)
    return earliest, latest


def _earliest(held, chain, receipt):
    found = []
    if isinstance(held.sealed, dict):
        envelope = held.dispatch.content
        found.append((envelope.issued_at, ORIGINATOR, envelope.originator))
    at, seen = receipt, set()
    while (above := held.receipts.get(at.get(16))) is not None and above.digest not in seen:
        if not chain.counts(above):
            break
        seen.add(above.digest)
        if above.node != receipt.node:
            found.append((above.committed, NODE, above.node))
        at = above
    return max(found, default=None)


def _latest(held, chain, receipt):
    own, found = receipt.node, []
    seen, open_ = {receipt.digest}, [receipt]
    while open_:
        at = open_.pop()
        if at.node != own:
            found.append((at.committed, NODE, at.node))
        for note in held.checkpoints:
            if note.covers(at):
                found += [(when, WITNESS, name) for name, when, node in note.witnesses if node != own]
                found += [(s.latest, TIME_STAMP, s.leaf.subject_name) for s in note.counting_stamps()]
        for later in held.resting.get(at.digest, ()):
            if later not in seen:
                seen.add(later)
                if chain.counts(held.receipts[later]):
                    open_.append(held.receipts[later])
    return min(found, default=None)
