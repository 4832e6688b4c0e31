"""What was found out, as objects for programs: the members that `tram verify --json` has."""

from . import words
from .codes import CODES
from .names import escaped, moment
from .receipts import event_name

PROVED, OPEN, FALSE = "proved", "undetermined", "false"


def verdict(account, ask=()):
    """`proved`, `undetermined` or `false`."""
    asked = [f for f in account.findings if (f.claim in ask if ask else f.asked)]
    absent = any(all(f.claim != claim for f in account.findings) for claim in ask)
    if account.false:
        return FALSE
    return OPEN if absent or not asked or any(f.lack for f in asked) else PROVED


def of(path, account, ask=()):
    directory = account.directory
    return {
        "file": path,
        "verdict": verdict(account, ask),
        "network": account.network.hex(),
        "dispatch": account.dispatch.hex(),
        "directory_version": directory.version if directory else None,
        "directory_digest": directory.digest.hex() if directory else None,
        "claims": [row(finding, ask) for finding in account.findings],
        "false_parts": [_false(*part) for part in account.false],
    }


def row(finding, ask=()):
    found = {"claim": finding.claim}
    if finding.recipient is not None:
        found["recipient"] = finding.recipient
    if finding.about:
        found["about"] = escaped(finding.about)
    found["proved"] = finding.lack is None
    found["asked"] = finding.claim in ask if ask else finding.asked
    if finding.lack:
        found["why_not"] = finding.lack.name
    found["detail"] = words.detail(finding, CODES)
    place = finding.proof.get("place") if finding.proof else None
    return {**found, **_leaf(place)} if place is not None else found


def _leaf(receipt):
    return {
        "event": event_name(receipt.event),
        "node": receipt.node,
        "epoch": receipt.epoch.hex(),
        "leaf": receipt.leaf,
        "time": moment(receipt.time),
        "committed": moment(receipt.committed),
        "receipt": receipt.digest.hex(),
    }


def _false(part, number, code, detail):
    found = {"part": part, "code": code, "detail": escaped(detail)}
    if number is not None:
        found["number"] = number
    return found


def lines(report, ask=()):
    """The same for people."""
    out = [f"Evidence of dispatch {report['dispatch']} ({escaped(report['file'])})"]
    for part in report["false_parts"]:
        number = f" {part['number'] + 1}" if "number" in part else ""
        out.append(f"FALSE       {part['part']}{number} [{part['code']}]: {part['detail']}")
    for found in report["claims"]:
        word = "PROVED" if found["proved"] else "NOT PROVED" if found["asked"] else "not proved"
        named = found["claim"] in ("witnessed", "document", "stamped")
        about = f" {found.get('about', '')}" if named else ""
        recipient = f" ({found['recipient']})" if "recipient" in found else ""
        claim = words.CLAIMS[found["claim"]]
        out.append(f"{word:<10}  {claim}{about}{recipient}: {found['detail']}")
    asked = [found for found in report["claims"] if found["asked"]]
    missing = [found for found in asked if not found["proved"]]
    out.append(
        {
            PROVED: f"All that was asked is proved: {len(asked)} claims.",
            OPEN: f"Undetermined: {len(missing)} of the claims asked for are not proved.",
            FALSE: f"FALSE: {len(report['false_parts'])} parts of the file do not hold.",
        }[report["verdict"]]
    )
    return out
