"""[3], [4], [6.4] What agencies seal: dispatches and statements."""

from functools import lru_cache

from . import keys, path
from .cbor import TOP, array, decode, digest, fields, octets, uint
from .certificate import BOUND_SEAL, SEAL
from .cose import sign1, to_be_signed
from .envelope import Envelope
from .errors import Refused, require
from .merkle import sha256
from .names import agency, node, plain

HANDLING_STATUS = 14
OF_AGENCIES = (10, 11, HANDLING_STATUS, 15, 16)
"""Events that an agency states itself."""


class Sealed:
    """A sealed object, read and not verified."""

    def __init__(self, raw, typ, bytes_max, read):
        protected, unprotected, payload, self.signature = sign1(decode(raw, bytes_max, tag18=TOP))
        require(unprotected == {}, "the unprotected header must be empty")
        require(payload is not None, "no payload")
        header = decode(protected, 1 << 20)
        fields(header, (1, 16, 33), later=False, what="protected header")
        known = type(header[1]) is int and header[1] in keys.ALGORITHMS
        require(known, f"algorithm {header[1]}")
        require(header[16] == typ, f"typ is not {typ}")
        chain = header[33]
        chain = array(chain, path.CHAIN_MAX, 2, "x5chain") if type(chain) is list else [chain]
        self.chain = [octets(c, 16384, 1, "a certificate") for c in chain]
        self.content, self.algorithm = read(payload), header[1]
        self.signed = to_be_signed(protected, self.content.network, payload)
        self.raw, self.id, self.object = raw, sha256(self.signed), sha256(raw)


class Statement:
    """[6.4] What an agency says about a dispatch that came for it."""

    def __init__(self, raw):
        value = decode(raw, 128 << 10)
        fields(value, (0, 1, 2, 3, 4, 5, 6), (7, 8, 9), what="statement")
        require(value[0] == 1 and type(value[0]) is int, "statement: format version")
        self.network, self.agency = digest(value[1]), agency(value[2])
        self.dispatch, self.object = digest(value[3]), digest(value[4])
        self.event = uint(value[5], 255, what="event")
        require(self.event in OF_AGENCIES, "an agency says nothing of this event")
        uint(value[6])
        if 7 in value:
            plain(value[7], 1, 4096, "remark")
        self.sealed_by = node(value[8]) if 8 in value else None
        self.status = uint(value[9], 6, 4, "status") if 9 in value else None
        handling = self.event == HANDLING_STATUS
        require(handling == (9 in value), "a status goes with HandlingStatus, and only with it")

    def is_said_by(self, record):
        """Whether a record says the same."""
        says = (self.network, self.dispatch, self.object, self.event, self.agency)
        same = says == tuple(record.get(key) for key in (2, 5, 6, 1, 8))
        return same and self.status in (None, record.get(14))


@lru_cache(maxsize=1024)
def dispatch(raw):
    return Sealed(raw, "application/tram-dispatch+cose", 1 << 20, Envelope)


@lru_cache(maxsize=1024)
def statement(raw):
    return Sealed(raw, "application/tram-statement+cose", 128 << 10, Statement)


class Signer:
    """Whose seal it is, and on what path its certificate hangs."""

    def __init__(self, agency_code, leaf, listed):
        self.agency, self.name, self.listed = agency_code, leaf.subject_name, listed


def verify(sealed, agency_code, root, directory, at_ms, lists):
    """[4.1] steps 2 to 6, at that moment."""
    content = sealed.content
    require(content.network == root.network, "it is of another network", "WRONG_NETWORK")
    chain = path.read(sealed.chain)
    leaf = chain[0]
    # What it names is judged after the path; one that names several is none of this network's.
    try:
        named, odd = leaf.agency(), None
    except Refused as error:
        named, odd = None, error
    purpose = BOUND_SEAL if named is None and odd is None else SEAL
    found = path.build(root.seals, chain, purpose, at_ms, lists)
    leaf.check_leaf(purpose)
    if odd is not None:
        raise odd
    keys.verify(sealed.algorithm, leaf.spki, sealed.signed, sealed.signature)
    bound = directory.binds(agency_code, leaf.digest, at_ms)
    require(named == agency_code or bound, f"sealed by {named}", "ORIGINATOR_MISMATCH")
    return Signer(agency_code, leaf, found.listed)
