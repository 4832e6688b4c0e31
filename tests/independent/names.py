"""[1] Texts, agency codes, node ids, times."""

import re
from datetime import date, datetime, timezone

from .errors import Refused, require

_TOP = re.compile(r"[A-Z][0-9]{2}", re.ASCII)
_LOWER = re.compile(r"[A-Z0-9]{2,3}", re.ASCII)
_OLD = re.compile(r"([0-9]{3})\.([0-9]{2})\.([0-9]{2})\.([A-Z][0-9]{2})", re.ASCII)
_GRAPHIC = re.compile(r"[\x21-\x7e]{1,64}")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,16}(?<!-)", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_ODD = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # the category Cc
    "\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"
)
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def is_plain(text):
    """No control character and none that reorders or hides its neighbours."""
    return not _ODD.search(text)


def plain(value, least, most, what="a text"):
    require(isinstance(value, str), f"{what}: not a text")
    length = len(value.encode())
    require(length <= most, f"{what}: {length} bytes, at most {most} allowed", "TOO_LARGE")
    require(length >= least, f"{what}: an empty text")
    require(is_plain(value), f"{what}: control or direction characters")
    return value


def escaped(text):
    """Safe to show: what is not plain as \\u{..}."""
    return _ODD.sub(lambda found: f"\\u{{{ord(found[0]):x}}}", text)


def _structured(text):
    """The canonical spelling of a structured code, or None."""
    labels = text.split(".")
    if _TOP.fullmatch(labels[0]) and len(text) <= 35:
        return text if all(_LOWER.fullmatch(label) for label in labels[1:]) else None
    old = _OLD.fullmatch(text)
    if not old:
        return None
    groups = [old[3], old[2], old[1]]
    while groups and not groups[-1].strip("0"):
        groups.pop()
    if any(not group.strip("0") for group in groups):
        return None
    return ".".join([old[4], *groups])


def is_structured(code):
    return _structured(code) == code


def agency(value):
    """An agency code in its canonical spelling."""
    good = isinstance(value, str) and _GRAPHIC.fullmatch(value) and not set(value) & set('"\\/')
    require(good, "not an agency code")
    canonical = _structured(value)
    if canonical is None:
        canonical = _structured(value.upper()) or value
    require(canonical == value, "not an agency code in canonical spelling")
    return value


def node(value):
    """A node id: a label, a dot, a structured code."""
    require(isinstance(value, str) and "." in value, "not a node id")
    label, code = value.split(".", 1)
    require(_LABEL.fullmatch(label) and is_structured(agency(code)), "not a node id")
    return value


def _of_certificate(labels):
    if labels != labels.lower():
        return None
    code = ".".join(reversed(labels.split("."))).upper()
    try:
        return code if is_structured(agency(code)) else None
    except Refused:
        return None


def agency_of_certificate(name):
    """The agency that a dNSName under agency.alt means, or None."""
    return _of_certificate(name.removesuffix(".agency.alt")) if name.endswith(".agency.alt") else None


def is_date(text):
    if not isinstance(text, str) or not _DATE.fullmatch(text) or text < "1970":
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def moment(milliseconds):
    """RFC 3339 in UTC with milliseconds."""
    try:
        at = datetime.fromtimestamp(milliseconds // 1000, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return f"{milliseconds} ms"
    return f"{at:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}Z"


def shown(milliseconds):
    """For people: whole seconds."""
    text = moment(milliseconds)
    return text.split(".")[0].replace("T", " ") + "Z"
