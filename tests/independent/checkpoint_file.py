"""[7.5], [7.8] A signed checkpoint by itself: whose, how large, and who cosigned."""

from . import notes


def judge_checkpoint(data, ground):
    """What it says; every line of a node of the directory must hold. Raises where one does not."""
    directory, network = ground.directory, ground.root.network
    note, checkpoint, node, epoch = notes.verify(data, directory, network)
    own, cosigned, lines = notes.log_key(network, node, epoch), [], []
    for line in note.lines:
        if own.is_of(line):
            continue
        by_node = notes.node_cosigned_at(line, note.text, directory, network)
        if by_node is not None:
            cosigned.append(by_node)
            lines.append(line)
    found = {
        "verified": True,
        "node": node,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "cosigned": [name for name, _ in cosigned],
        "says": f"of {node}: {checkpoint.size} leaves, cosigned by {len(cosigned)}",
    }
    policy = ground.policy_for(node)
    if policy is not None:
        found["quorum"] = policy.judge(note.text, note.lines)[0]
    return found
