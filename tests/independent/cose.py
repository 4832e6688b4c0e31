"""[3] COSE_Sign1: its parts, and what is signed."""

import cbor2

from .cbor import Tagged, array, ascending, octets, tuple_of, uint
from .errors import require
from .keys import ALGORITHMS

SIGNATURE_BYTES_MAX = 512


def to_be_signed(protected, network, payload):
    """The Sig_structure; the network id is the external data."""
    return cbor2.dumps(["Signature1", protected, network, payload])


def sign1(value):
    """Protected header, unprotected header, payload or None, signature."""
    require(isinstance(value, Tagged) and len(value) == 4, "not a COSE_Sign1")
    protected, unprotected, payload, signature = value
    octets(protected, 1 << 30, what="protected header")
    require(isinstance(unprotected, dict), "unprotected header: not a map")
    if payload is not None:
        octets(payload, 1 << 30, what="payload")
    octets(signature, SIGNATURE_BYTES_MAX, 1, "signature")
    return protected, unprotected, payload, signature


def key_signatures(value):
    """[8.1] `[key index, alg, signature]`, strictly ascending by index."""
    found = []
    for entry in array(value, 16, 1, "signatures"):
        index, algorithm, signature = tuple_of(entry, 3, what="a signature is an array")
        uint(index, 255, what="key index")
        require(type(algorithm) is int and algorithm in ALGORITHMS, f"algorithm {algorithm}")
        found.append((index, algorithm, octets(signature, SIGNATURE_BYTES_MAX, what="signature")))
    ascending([entry[0] for entry in found], "signatures")
    return found

