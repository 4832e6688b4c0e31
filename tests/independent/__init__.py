"""An independent verifier for Trạm, written from docs/protocol.md alone.

It shares no code with Trạm and uses two public libraries, cbor2 and cryptography. The numbers in brackets
are sections of docs/protocol.md.

    bytes ── cbor ──▶ values ── receipts, sealed, notes, directory ──▶ what holds ── evidence ──▶ claims
"""
