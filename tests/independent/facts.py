"""What a finding says, as plain values: what two verifiers must agree on beyond the words."""


def of(finding):
    if finding.lack:
        # Why exactly a token was refused is told in other words by each verifier.
        about = () if finding.lack.name == "stamp_refused" else finding.lack.about
        return [_plain(value) for value in about]
    claim, proof = finding.claim, finding.proof
    if claim == "sealed":
        return [proof["signer"].agency, proof["signer"].name, proof["at"], proof["node"]]
    if claim == "unrevoked":
        return [proof["as_of"], proof["word"] == "stale"]
    if claim == "custody":
        return proof["nodes"]
    if claim in ("decided", "handled"):
        by = proof["by"]
        status = [proof["place"].get(14)] if claim == "handled" else []
        return [_plain(proof["place"]), *status, by and [by["signer"].name, by["node"]]]
    if claim == "when":
        return [_plain(proof["place"]), *map(_plain, proof["bounds"])]
    if claim == "witnessed":
        return [proof["size"], *map(list, proof["witnesses"])]
    if claim == "document":
        return [proof["document"].sha256.hex(), proof["document"].size]
    if claim == "stamped":
        stamp = proof["stamp"]
        return [proof["size"], stamp.latest, stamp.leaf.subject_name, stamp.number]
    return [_plain(proof["place"])]


def _plain(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.digest.hex() if hasattr(value, "digest") else value
