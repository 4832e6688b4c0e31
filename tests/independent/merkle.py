"""[6.2] The tree of RFC 9162 section 2.1 with SHA-256."""

import hashlib

from .errors import require

TREE_SIZE_MAX = (1 << 63) - 1
EMPTY_ROOT = hashlib.sha256().digest()


def sha256(*parts):
    hashing = hashlib.sha256()
    for part in parts:
        hashing.update(part)
    return hashing.digest()


def leaf_hash(content):
    return sha256(b"\x00", content)


def node_hash(left, right):
    return sha256(b"\x01", left, right)


def merkle_root(leaves):
    """RFC 9162 section 2.1.1 over leaf hashes."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node_hash(merkle_root(leaves[:split]), merkle_root(leaves[split:]))


def root_of(leaf, index, size, path):
    """[7.3] step 4: the root that an inclusion proof leads to."""
    require(size <= TREE_SIZE_MAX, "proof: the tree is larger than any")
    require(index < size, "proof: the index is not below the size")
    fn, sn, r = index, size - 1, leaf
    for p in path:
        require(sn != 0, "proof: the path is too long")
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            r = node_hash(r, p)
        fn >>= 1
        sn >>= 1
    require(sn == 0, "proof: the path is too short")
    return r


def check_consistency(old_size, old_root, new_size, new_root, path):
    """RFC 9162 section 2.1.4.2: the larger tree continues the smaller one."""
    require(old_size <= new_size <= TREE_SIZE_MAX, "consistency: the sizes do not fit")
    if old_size in (0, new_size):
        require(not path, "consistency: the path is too long")
        require(old_size != 0 or old_root == EMPTY_ROOT, "consistency: not the root of no leaves")
        require(old_size != new_size or old_root == new_root, "consistency: two roots of one size")
        return
    path = list(path)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    require(path, "consistency: the path is too short")
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn >>= 1
        sn >>= 1
    fr = sr = path[0]
    for c in path[1:]:
        require(sn != 0, "consistency: the path is too long")
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            sr = node_hash(sr, c)
        fn >>= 1
        sn >>= 1
    require(sn == 0, "consistency: the path is too short")
    require(fr == old_root and sr == new_root, "consistency: it leads to other roots")
