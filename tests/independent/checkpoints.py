"""[7.7] Checkpoints in an evidence file: whose log, which receipts lie under them, who cosigned."""

from . import notes, time_stamp
from .errors import Refused, require
from .merkle import check_consistency, sha256

INVALID = "RECEIPT_INVALID"


class Noted:
    """A checkpoint that holds."""

    def __init__(self, note, checkpoint, node, epoch):
        self.text, self.lines, self.node = note.text, note.lines, node
        self.epoch, self.size, self.root = epoch[0], checkpoint.size, checkpoint.root
        self.origin = checkpoint.origin
        self.sizes, self.cosignatures, self.witnesses = set(), [], []
        self.strangers, self.stamps = [], []

    def covers(self, receipt):
        """Whether this receipt lies under it."""
        return (receipt.node, receipt.epoch) == (self.node, self.epoch) and receipt.size in self.sizes

    def counting_stamps(self):
        return [stamp for kind, stamp in self.stamps if kind == "by"]


def read_checkpoint(proved, held):
    """Any line, link or token that does not hold spoils the whole checkpoint."""
    network, directory = held.file.network, held.directory
    note, checkpoint, node, epoch = notes.verify(proved.note, directory, network)
    found = Noted(note, checkpoint, node, epoch)
    _links(found, proved, held)
    own = notes.log_key(network, node, epoch)
    for line in note.lines:
        if not own.is_of(line):
            _line(found, line, held)
    for token in proved.stamps:
        found.stamps.append(_stamp(token, note.text.encode(), held.ground.authorities))
    return found


def _links(found, proved, held):
    roots = {
        r.size: r.root
        for r in held.receipts.values()
        if (r.node, r.epoch) == (found.node, found.epoch)
    }
    for size, path in proved.links:
        require(size in roots, f"checkpoint: no receipt here lies under size {size}", INVALID)
        try:
            check_consistency(size, roots[size], found.size, found.root, path)
        except Refused as error:
            raise Refused(f"checkpoint: {error}", INVALID) from error
        found.sizes.add(size)


def _line(found, line, held):
    """A line of a node by the directory, of a witness of the policy, or of a stranger."""
    by_node = notes.node_cosigned_at(line, found.text, held.directory, held.file.network)
    if by_node is not None:
        node, time = by_node
        found.witnesses.append((node, time * 1000 + 999, node))
        found.cosignatures.append(line)
        return
    policy = held.ground.policy
    for _, key in policy.witnesses if policy is not None else ():
        if key.is_of(line):
            time = line.cosigned_at(found.text, key)
            found.witnesses.append((line.name, time * 1000 + 999, None))
            found.cosignatures.append(line)
            return
    found.strangers.append(line.name)


def _stamp(token, text, authorities):
    """A token by itself, and whether its authority counts."""
    if authorities is None:
        time_stamp.consistent(token, text)
        return "not_checked", sha256(token)
    try:
        return "by", time_stamp.verify(token, text, authorities)
    except Refused as error:
        time_stamp.consistent(token, text)
        return "stranger", error
