"""The command line."""

import argparse
import hashlib
import json
import sys

from . import bundle, log_proof, receipts, report
from .checkpoint_file import judge_checkpoint
from .claims import NAMES, examine
from .directory import whole
from .errors import Refused, require
from .evidence_file import is_evidence_file
from .ground import Ground
from .names import moment

DONE, REFUSED, USAGE, OPEN = 0, 1, 2, 3
ABOUT = """Verify what nodes of Trạm say, offline: evidence files, receipts and export bundles, proofs against
a log, signed checkpoints. Exit status: 0 all that is asked is proved, 1 something is false, 2 wrong use, or
a root document or directory that does not verify, 3 something asked is not proved."""


def arguments():
    parser = argparse.ArgumentParser(prog="independent", description=ABOUT)
    commands = parser.add_subparsers(dest="command", required=True)
    verify = commands.add_parser("verify", help="verify files", description=ABOUT)
    verify.add_argument("file", nargs="+", metavar="FILE")
    verify.add_argument("--root", "--anchors", required=True, help="the network's root document")
    verify.add_argument("--directory", help="a signed directory of the network")
    verify.add_argument("--network", help="the network id expected, 64 hexadecimal digits")
    verify.add_argument("--policy", help="whose cosignatures count (C2SP tlog-policy)")
    verify.add_argument("--tsa", action="append", default=[], help="authorities whose time-stamps count")
    verify.add_argument("--document", action="append", default=[], help="a document at hand")
    verify.add_argument("--ask", default="", help="claims that the exit status depends on")
    verify.add_argument("--json", action="store_true", help="objects for programs")
    commands.add_parser("serve", help="answer questions on standard input; for tests")
    return parser


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Refused(str(error), "UNREADABLE") from error


def of_ground(options, brought):
    """What everything is judged by. A bundle may bring the directory."""
    documents = []
    for path in options.document:
        data = read(path)
        documents.append((hashlib.sha256(data).digest(), len(data)))
    policy = read(options.policy) if options.policy else None
    directory = read(options.directory) if options.directory else None
    tsa = [read(path) for path in options.tsa] or None
    ground = Ground(read(options.root), policy, directory, tsa, documents)
    expected = options.network
    other = expected is not None and ground.root.network.hex() != expected.lower()
    require(not other, "another network id", "WRONG_NETWORK")
    if directory is None and brought:
        found = [whole(file, ground.root) for file in brought]
        ground.directory = max(found, key=lambda directory: directory.version)
    return ground


def verify(options):
    ask = [claim for claim in options.ask.split(",") if claim]
    require(all(claim in NAMES for claim in ask), f"--ask: of {', '.join(NAMES)}", "BAD_REQUEST")
    named = [(path, read(path)) for path in options.file]
    evidence = [is_evidence_file(data) for _, data in named]
    require(all(evidence) or not any(evidence), "evidence files are verified by themselves")
    if evidence[0]:
        return verify_evidence(options, ask, named)
    items, brought, unreadable = [], [], []
    for path, data in named:
        try:
            items += split(path, data, brought)
        except Refused as error:
            unreadable.append({"file": path, "verified": False, "reason": str(error)})
    ground = of_ground(options, brought)
    require(ground.directory is not None, "no bundle brings a directory: give --directory")
    found = [judge(path, data, ground) for path, data in items] + unreadable
    for one in found:
        print(json.dumps(one, ensure_ascii=False) if options.json else line(one))
    good = all(one["verified"] and one.get("authorised", True) for one in found)
    return DONE if found and good else REFUSED


def verify_evidence(options, ask, named):
    ground = of_ground(options, [])
    reports = []
    for path, data in named:
        try:
            reports.append(report.of(path, examine(ground, data), ask))
        except Refused as error:
            print(f"{path}: {error.code}: {error}", file=sys.stderr)
            return REFUSED
    if options.json:
        print(json.dumps(reports, ensure_ascii=False, indent=2))
    else:
        print("\n\n".join("\n".join(report.lines(one)) for one in reports))
    verdicts = {one["verdict"] for one in reports}
    return REFUSED if report.FALSE in verdicts else OPEN if report.OPEN in verdicts else DONE


def split(path, data, brought):
    """The objects in one file, by name."""
    if bundle.is_bundle(data):
        found, directory = bundle.read(data)
        brought += [directory] if directory else []
    elif data[:1] == b"\x83":
        found = bundle.split(data)
    else:
        return [(path, data)]
    return [(path if len(found) == 1 else f"{path} {n}", raw) for n, raw in enumerate(found, 1)]


def judge(path, data, ground):
    try:
        if log_proof.is_log_proof(data):
            word, why = log_proof.judge(log_proof.read(data), ground.directory, ground.root.network)
            return {"file": path, "kind": "proof", "verified": word == log_proof.PROVED, "reason": why}
        if data.startswith(b"tram/"):
            return {"file": path, "kind": "checkpoint", **judge_checkpoint(data, ground)}
        receipt = receipts.read(data)
        receipts.verify(receipt, ground.root.network, ground.directory)
    except Refused as error:
        return {"file": path, "verified": False, "reason": f"{error.code}: {error}"}
    return {
        "file": path,
        "verified": True,
        "authorised": receipts.is_authorised(receipt, ground.directory),
        "event": receipts.event_name(receipt.event),
        "node": receipt.node,
        "dispatch": receipt.record[5].hex(),
        "originator": receipt.record[7],
        "recipient": receipt.get(8),
        "time": moment(receipt.time),
    }


def line(found):
    if not found["verified"]:
        return f"REFUSED       {found['file']}: {found['reason']}"
    if "event" not in found:
        return f"verified      {found['kind']} {found['file']} {found.get('says', '')}"
    word = "verified    " if found["authorised"] else "UNAUTHORISED"
    recipient = f" for {found['recipient']}" if found["recipient"] else ""
    return f"{word}  {found['event']} by {found['node']}{recipient} at {found['time']}"


def main():
    options = arguments().parse_args()
    if options.command == "serve":
        from .serve import serve

        return serve(sys.stdin.buffer, sys.stdout.buffer)
    try:
        return verify(options)
    except Refused as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        return USAGE
