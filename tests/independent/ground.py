"""What a file is judged by. Nothing of it comes from the file."""

from . import policy as policies
from . import directory as directories
from .certificate import Certificate
from .errors import require
from .root import Root


class Ground:
    """Root document; policy, directory, time-stamping authorities and documents, where they are given."""

    def __init__(self, root, policy=None, directory=None, authorities=None, documents=()):
        self.root = Root(root)
        self.policy_text = None if policy is None else policy.decode("utf-8", "replace")
        self.policy = None if policy is None else policies.parse(policy)
        self.directory = None if directory is None else directories.whole(directory, self.root)
        self.authorities = None if authorities is None else read_authorities(authorities)
        self.documents = dict(documents)
        """Sizes by SHA-256 of documents that are at hand beside the file."""
        self._by_position = {}

    def policy_for(self, node):
        """Whose cosignatures the log of this node needs; None where nobody says."""
        if self.policy is not None:
            return self.policy
        if self.directory is None or node not in self.directory.nodes:
            return None
        if node not in self._by_position:
            network = self.root.network
            self._by_position[node] = policies.by_position(self.directory, network, node)
        return self._by_position[node]

    def asks_for_witnesses(self):
        return self.policy is not None or self.directory is not None


def read_authorities(files):
    """Anchors from files, each DER or PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    found = []
    for data in files:
        if data.startswith(b"\x30"):
            ders = [data]
        else:
            ders = [c.public_bytes(Encoding.DER) for c in x509.load_pem_x509_certificates(data)]
        require(0 < len(ders) <= 64, "no certificate, or too many, in a file", "UNREADABLE")
        found += [Certificate(der) for der in ders]
    for anchor in found:
        anchor.check_anchor()
    return found
