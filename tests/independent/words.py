"""What a finding says, in the words of `tram verify`."""

from .names import escaped, moment, shown
from .receipts import event_name
from .times import NODE, ORIGINATOR, TIME_STAMP, WITNESS

CLAIMS = {
    "sealed": "the originator sealed these bytes",
    "unrevoked": "the certificate was not revoked then",
    "held": "a node had custody",
    "custody": "custody has no gap",
    "arrived": "the recipient's node holds it",
    "taken": "the recipient's system took it",
    "decided": "the clerk decided",
    "handled": "the recipient reported or answered",
    "ended": "it was refused or given up",
    "when": "when, by others",
    "witnessed": "witnesses cosigned the log",
    "document": "the document is the one sealed",
    "stamped": "time-stamp of a third party",
    "policy": "the witness policy is yours",
    "unauthorised": "unauthorised claim",
}
CLOCKS = {
    ORIGINATOR: "{}, the originator",
    NODE: "{}",
    WITNESS: "{}, a witness",
    TIME_STAMP: "time-stamp of {}",
}


def detail(finding, codes):
    """In words what proves it, or why it is not proved. `codes` gives the names of [12]."""
    return _lack(finding.lack, codes) if finding.lack else _proof(finding, codes)


def _why(receipt, codes):
    reason, remark = receipt.get(12), receipt.get(13)
    code = f" [{codes.get(reason, reason)}]" if reason is not None else ""
    return code + (f' "{escaped(remark)}"' if remark is not None else "")


def _between(receipt, earliest, latest, text):
    def of(bound):
        at, clock, name = bound
        return f"{moment(at)} ({CLOCKS[clock].format(escaped(name))})"

    event = event_name(receipt.event)
    return text.format(event, receipt.node, f"not before {of(earliest)}", f"not after {of(latest)}")


def _proof(finding, codes):
    claim, proof = finding.claim, finding.proof
    if claim == "sealed":
        signer, node = proof["signer"], proof["node"]
        text = f'{signer.agency}, certificate "{signer.name}", judged at {shown(proof["at"])}'
        return text + (f"; sealed by node {node} on its behalf" if node else "")
    if claim == "unrevoked":
        due = "; newer ones were due" if proof["word"] == "stale" else ""
        return f"by the revocation lists of {shown(proof['as_of'])}{due}"
    if claim == "custody":
        return " → ".join(proof["nodes"])
    if claim in ("decided", "handled"):
        return _said(proof, codes)
    if claim == "when":
        return _between(proof["place"], *proof["bounds"], "{} by {}: {}, {}")
    if claim == "witnessed":
        names = ", ".join(escaped(name) for name, _ in proof["witnesses"])
        return f"checkpoint of {proof['size']} leaves, cosigned by {names}"
    if claim == "document":
        return f"{proof['document'].size} bytes, SHA-256 {proof['document'].sha256.hex()}"
    if claim == "stamped":
        stamp = proof["stamp"]
        return (
            f"its first {proof['size']} entries, and every receipt among them, were held no later than "
            f"{moment(stamp.latest)} (time-stamp of {stamp.leaf.subject_name}, number {stamp.number})"
        )
    place = proof["place"]
    text = f"{event_name(place.event)} by {place.node} at {shown(place.time)}"
    text += f", committed {shown(place.committed)}, leaf {place.leaf} of epoch {place.epoch.hex()}"
    return text + _why(place, codes)


STATUSES = {4: "assigned", 5: "processing", 6: "completed", 15: "agreed", 16: "declined"}


def _said(proof, codes):
    place, by = proof["place"], proof["by"]
    at = shown(place.time)
    what = {10: f"registered {at}", 11: f"refused {at}"}.get(place.event)
    if what is None:
        status = place.get(14)
        name = event_name(place.event)
        what = f"{status:02} {STATUSES[status]}, {at}" if status in STATUSES else f"{name}, {at}"
    who = f"claimed by its node {place.node}"
    if by:
        behalf = f"; sealed by node {by['node']} on its behalf" if by["node"] else ""
        who = f'signed by the agency: "{by["signer"].name}"{behalf}'
    return f"{what}, {who}" + _why(place, codes)


FIXED = {
    "no_ground": "the network or the directory in the file does not hold",
    "no_envelope": "the file does not hold the sealed dispatch",
    "forged": "what would prove it is false",
    "no_first_custody": "no receipt of the originator's node says when it took custody",
    "not_checked": "the first node checked no revocation list",
    "no_receipt": "no receipt in the file says so",
    "no_checkpoint": "no checkpoint in the file covers it",
    "log_not_in_policy": "the policy does not name this log",
    "unknown_witness": "a line by a key that neither the directory nor your policy knows",
}
OF_A_DIGEST = {
    "other_root": "the file was made under another root document, {}: verify it with that one",
    "no_lists": "the revocation lists that the first node used ({}) are not in the file",
    "no_document": "not in the file, nor given with --document: SHA-256 {}",
    "stamp_not_checked": "not checked: say whose time-stamps count with --tsa FILE; SHA-256 {}",
    "other_policy": "the file holds its maker's policy, SHA-256 {}: give it with --policy to go by it",
}
OF_A_RECEIPT = {
    "ended": "{} by {} at {} {}",
    "no_latest": "{} by {} at {}: its own word; nobody else says by when",
    "not_authorised": "{} by {} at {}: it may not say so, or stands outside the chain of receipts",
}


def _lack(lack, codes):
    name, about = lack.name, lack.about
    if name in FIXED:
        return FIXED[name]
    if name in OF_A_DIGEST:
        return OF_A_DIGEST[name].format(about[0].hex())
    if name in OF_A_RECEIPT:
        place = about[0]
        values = (event_name(place.event), place.node, shown(place.time), _why(place, codes))
        return OF_A_RECEIPT[name].format(*values)
    if name == "lists_too_old":
        return f"the revocation lists are of {shown(about[0])}, too old to decide then"
    if name == "gap":
        upstream = about[1].hex() if about[1] is not None else "–"
        return (
            f"the chain stops at {about[0]}: the receipt it rests on ({upstream}) is not here or does "
            "not carry it"
        )
    if name == "clocks":
        return _between(*about, "{} by {}: the clocks contradict each other, {} and {}")
    if name == "stamp_refused":
        return f"not of an authority that counts [{about[0].code}]: {about[0]}"
    have, missing = (", ".join(escaped(n) for n in names) for names in about)
    return f"cosigned by: {have}; missing: {missing}"
