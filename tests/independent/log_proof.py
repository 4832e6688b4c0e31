"""[7.6] Proofs that one key signed two histories of a log."""

import json

from . import notes
from .errors import Refused, require
from .merkle import check_consistency

FORMAT = "tram-log-proof"
BYTES_MAX = 128 << 10
PROVED, NOT_PROVED = "proved", "not_proved"
KNOWN = {"format", "version", "code", "network", "node", "held_by", "found_at", "held", "shown", "root", "path"}
TEXTS = ("code", "network", "node", "held_by", "found_at", "held", "shown")


def is_log_proof(data):
    return data.startswith(b"{") and f'"{FORMAT}"'.encode() in data[:4096]


def _once(pairs):
    names = [name for name, _ in pairs if name in KNOWN]
    require(len(names) == len(set(names)), "a member stands twice")
    return dict(pairs)


def _is_text(value):
    """Whether no text has half of a surrogate pair."""
    if isinstance(value, dict):
        return all(_is_text(item) for pair in value.items() for item in pair)
    if isinstance(value, list):
        return all(map(_is_text, value))
    return not isinstance(value, str) or not any("\ud800" <= c <= "\udfff" for c in value)


def _no_number(text):
    raise Refused(f"{text} is no JSON")


def read(data):
    """The members of a proof; those that are not known are passed over."""
    require(len(data) <= BYTES_MAX, "a proof over the limit", "TOO_LARGE")
    try:
        proof = json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refused(f"not JSON: {error}") from error
    require(isinstance(proof, dict), "not an object")
    require(_is_text(proof), "a text that is not Unicode")
    version = proof.get("version")
    require(proof.get("format") == FORMAT and version == 1 and type(version) is int, "its format")
    require(all(isinstance(proof.get(key), str) for key in TEXTS), "a member is missing")
    require(isinstance(proof.get("root"), (str, type(None))), "its root")
    path = proof.get("path", [])
    require(isinstance(path, list) and all(isinstance(p, str) for p in path), "its path")
    return proof


def _hash(text):
    good = len(text) == 64 and all(c in "0123456789abcdefABCDEF" for c in text)
    require(good, "a hash is not of 32 bytes")
    return bytes.fromhex(text)


def judge(proof, directory, network):
    """`(PROVED, None)`, or `(NOT_PROVED, why)` where the notes contradict nothing by themselves; raises
    where it is no proof."""
    require(proof["network"] == network.hex(), "it is of another network", "WRONG_NETWORK")
    node = proof["node"]
    _, held, _, epoch = notes.verify(proof["held"].encode(), directory, network, node)
    if not proof["shown"]:
        return NOT_PROVED, "an empty log signs nothing"
    _, shown, _, later = notes.verify(proof["shown"].encode(), directory, network, node)
    require(epoch[0] == later[0], "the two checkpoints are of two lives of the log")
    if shown.size < held.size:
        return NOT_PROVED, "the notes do not say which of them is the older one"
    path = [_hash(p) for p in proof.get("path", [])]
    then = proof.get("root")
    if then is None and shown.size != held.size:
        return NOT_PROVED, "the log did not show its root at that size"
    then = shown.root if then is None else _hash(then)
    check_consistency(held.size, then, shown.size, shown.root, path)
    require(then != held.root, "the two checkpoints are of one history", "RECEIPT_INVALID")
    return PROVED, None
