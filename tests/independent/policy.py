"""[7.8] Trust policies (C2SP tlog-policy), as a text or by a node's place in the directory."""

from .errors import Refused, require
from .notes import COSIGNATURE, ED25519, Key, log_key

TEXT_BYTES_MAX = 65536
COUNT_MAX = 1024
ANY_OF_MAX = 200


class Policy:
    """Logs, witnesses, groups and one quorum."""

    def __init__(self):
        self.logs, self.witnesses, self.groups, self.quorum = [], [], [], None
        self.has_quorum, self.names, self.members = False, set(), set()

    def define(self, name):
        good = 0 < len(name.encode()) <= 256 and name != "none" and name not in self.names
        require(good and " " not in name, f"the name {name!r} cannot be given here")
        self.names.add(name)

    def add_log(self, key):
        require(key.kind == ED25519 and len(self.logs) < COUNT_MAX, "not the key of a log")
        require(all(key.raw != log.raw for log in self.logs), "a key stands twice")
        self.logs.append(key)

    def add_witness(self, name, key):
        require(key.kind == COSIGNATURE and len(self.witnesses) < COUNT_MAX, "not a witness's key")
        require(all(key.raw != other.raw for _, other in self.witnesses), "a key stands twice")
        self.define(name)
        self.witnesses.append((name, key))

    def add_group(self, name, threshold, members):
        require(len(self.groups) < COUNT_MAX, "too many groups")
        require(1 <= threshold <= len(members), "a threshold that cannot be")
        require(len(set(members)) == len(members), "a member twice")
        for member in members:
            require(member in self.names and member not in self.members, f"the member {member!r}")
        self.define(name)
        self.members.update(members)
        self.groups.append((name, threshold, members))

    def set_quorum(self, name):
        require(not self.has_quorum, "a second quorum")
        require(name == "none" or name in self.names, f"nothing above is called {name!r}")
        self.quorum, self.has_quorum = (None if name == "none" else name), True

    def judge(self, text, lines):
        """`(reached, [(witness, time)], [missing])` of the checkpoint with this text."""
        cosigned = []
        for name, key in self.witnesses:
            times = []
            for line in lines:
                if key.is_of(line):
                    try:
                        times.append(line.cosigned_at(text, key))
                    except Refused:
                        continue
            if times:
                cosigned.append((name, max(times)))
        if self.quorum is None:
            return True, cosigned, []
        there = {name for name, _ in cosigned}
        for name, threshold, members in self.groups:
            if sum(member in there for member in members) >= threshold:
                there.add(name)
        if self.quorum in there:
            return True, cosigned, []
        return False, cosigned, self.missing(there)

    def missing(self, there):
        """The members that fall short, the quorum's first."""
        needed, found = {self.quorum}, []
        if all(name != self.quorum for name, _, _ in self.groups):
            found.append(self.quorum)
        for name, _, members in reversed(self.groups):
            if name in needed and name not in there:
                absent = [member for member in members if member not in there]
                needed.update(absent)
                found += absent
        return found


def parse(raw):
    """Reads a policy; UTF-8, one statement a line."""
    require(len(raw) <= TEXT_BYTES_MAX, "a policy over the limit", "TOO_LARGE")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("a policy that is not UTF-8") from error
    require(text.endswith("\n"), "a policy without its last newline")
    policy = Policy()
    for line in text[:-1].split("\n"):
        bad = any((c < " " and c != "\t") or c == "\x7f" for c in line)
        require(not bad, "a control character in a policy")
        words = [word for word in line.replace("\t", " ").split(" ") if word]
        if words and not words[0].startswith("#"):
            _read(policy, words[0], words[1:])
    require(policy.has_quorum, "a policy without a quorum")
    return policy


def _read(policy, kind, words):
    if kind == "log" and len(words) in (1, 2):
        policy.add_log(Key.of_text(words[0]))
    elif kind == "witness" and len(words) in (2, 3):
        policy.add_witness(words[0], Key.of_text(words[1]))
    elif kind == "group" and len(words) >= 3:
        policy.add_group(words[0], _threshold(words[1], len(words) - 2), words[2:])
    elif kind == "quorum" and len(words) == 1:
        policy.set_quorum(words[0])
    else:
        raise Refused(f"not a line of a policy: {kind}")


def _threshold(word, members):
    if word in ("any", "all"):
        return 1 if word == "any" else members
    good = word.isascii() and word.isdigit() and not word.startswith("0") and len(word) < 10
    require(good, "not a threshold")
    return int(word)


def by_position(directory, network, node):
    """The policy that follows from a node's place, open nodes only, each with the keys of all epochs."""
    policy = Policy()

    def is_open(name):
        return name in directory.nodes and directory.nodes[name][5]

    def witness(name):
        keys = []
        epochs = list(enumerate(directory.nodes[name].get(6, ())))
        for number, epoch in reversed(epochs):
            key = log_key(network, name, epoch, COSIGNATURE)
            if all(key.raw != other.raw for _, other in policy.witnesses):
                policy.add_witness(f"{name}/{number}", key)
                keys.append(f"{name}/{number}")
        if keys:
            policy.add_group(name, 1, keys)
        return bool(keys)

    def some(names):
        return [name for name in names[:ANY_OF_MAX] if witness(name)]

    def group(name, wanted, members):
        if members:
            policy.add_group(name, min(wanted, len(members)), members)
        return [name] if members else []

    def parent_of(name):
        above = directory.nodes.get(name, {}).get(3)
        return [above] if above and is_open(above) else []

    parent = parent_of(node)
    children = sorted(filter(is_open, directory.children.get(node, ())))
    beside = sorted(set(filter(is_open, directory.nodes[node].get(4, ()))))
    needed = some(parent)
    if not needed:
        needed += group("below", 2, some(children + beside))
    elif not children:
        needed += some(parent_of(parent[0]))
        if len(needed) == 1:
            needed += group("beside", 1, some(beside))
    else:
        needed += group("others", 1, some(children + beside))
    policy.set_quorum(*(group("position", len(needed), needed) or ["none"]))
    return policy
