#!/usr/bin/env python3
"""Seals a dispatch with an agency's own key: no code of Trạm, one public package.

    pip install cryptography
    python3 seal.py --network <network id> --from H41.12.03 --to H41 --reference 16/BC-UBND \
        --subject "Báo cáo tháng 11" --document report.pdf \
        --cert seal.crt --key seal.key --out report.dispatch

The network id is in `tram status`. Written from docs/protocol.md, sections 2 to 5; the numbers below are the
keys of the maps there. Hand in what comes out as application/vnd.tram.dispatch+cbor, the documents before it.
"""

import argparse
import hashlib
import mimetypes
import os
import time
import unicodedata

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils

TYPE = "application/tram-dispatch+cose"
DAY_MS = 86_400_000


def head(major, n):
    """A CBOR head in its shortest form (section 2, rule 1)."""
    if n < 24:
        return bytes([major << 5 | n])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if n < 1 << 8 * size:
            return bytes([major << 5 | info]) + n.to_bytes(size, "big")
    raise ValueError(f"{n} is too large")


def cbor(value):
    """Deterministic CBOR of what an envelope is made of."""
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    if isinstance(value, dict):
        pairs = sorted((cbor(key), cbor(item)) for key, item in value.items())
        return head(5, len(pairs)) + b"".join(key + item for key, item in pairs)
    raise TypeError(type(value))


def document(path):
    """An entry of the envelope's list: name, media type, size, SHA-256."""
    name = unicodedata.normalize("NFC", os.path.basename(path))
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    return [name, media_type, os.path.getsize(path), digest]


def envelope(network, originator, recipients, reference, subject, documents, days=30):
    """Section 5. What is absent is left out, never null."""
    now_ms = time.time_ns() // 1_000_000
    return cbor({
        0: 1,
        1: network,
        2: originator,
        3: reference,
        5: sorted(set(recipients)),
        7: 0,  # no secrecy mark: secret documents never travel here
        8: {4: subject, 8: 0},
        9: [0],
        10: [document(path) for path in documents],
        12: now_ms,
        13: now_ms + days * DAY_MS,
        14: 8,
    })


def signing(key):
    """The COSE algorithm of a key (section 3), and how it signs."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return -8, key.sign
    algorithm, digest = {256: (-7, hashes.SHA256()), 384: (-35, hashes.SHA384())}[key.key_size]

    def sign(message):
        r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(digest)))
        size = key.key_size // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    return algorithm, sign


def seal(network, payload, chain, key):
    """Section 4: tag 18 around [protected, {}, payload, signature]. Gives the object and its id."""
    algorithm, sign = signing(key)
    certificates = [certificate.public_bytes(serialization.Encoding.DER) for certificate in chain]
    x5chain = certificates[0] if len(certificates) == 1 else certificates
    protected = cbor({1: algorithm, 16: TYPE, 33: x5chain})
    to_sign = cbor(["Signature1", protected, network, payload])
    sealed = head(6, 18) + cbor([protected, {}, payload, sign(to_sign)])
    return sealed, hashlib.sha256(to_sign).hexdigest()


def main():
    words = argparse.ArgumentParser(description="Seal a dispatch with a key of one's own.")
    words.add_argument("--network", required=True, type=bytes.fromhex, help="network id, hexadecimal")
    words.add_argument("--from", required=True, dest="originator", help="agency that sends")
    words.add_argument("--to", required=True, action="append", help="agency addressed; may be repeated")
    words.add_argument("--reference", required=True, help="your own name for it, never used twice")
    words.add_argument("--subject", required=True)
    words.add_argument("--document", action="append", default=[], help="a file; may be repeated")
    words.add_argument("--cert", required=True, help="seal certificate and intermediates, leaf first, PEM")
    words.add_argument("--key", required=True, help="its key, PEM")
    words.add_argument("--out", required=True)
    given = words.parse_args()

    with open(given.cert, "rb") as file:
        chain = x509.load_pem_x509_certificates(file.read())
    with open(given.key, "rb") as file:
        key = serialization.load_pem_private_key(file.read(), None)
    text = [unicodedata.normalize("NFC", text) for text in (given.reference, given.subject)]
    payload = envelope(given.network, given.originator, given.to, *text, given.document)
    sealed, dispatch = seal(given.network, payload, chain, key)
    with open(given.out, "xb") as file:
        file.write(sealed)
    print(f"dispatch {dispatch}")


if __name__ == "__main__":
    main()
