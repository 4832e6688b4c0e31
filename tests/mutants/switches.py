"""Does a test fail when a check is changed? All changes that cargo-mutants lists for a package, in one build.

cargo-mutants compiles a package anew for each change, which takes most of the time. Here every change is put into
a copy of the source behind a switch (`TRAM_CHANGE=N` in the environment turns on change N), the copy is built once,
and the package's tests run once for each change until one fails. What does not compile is taken out again and
counted. What has no switch (in `const fn`, a field of a struct, a chain of `let`) is listed, for cargo-mutants itself.

    python3 switches.py LIST.json COPY --package tram-trust [--late TEST]... [--only TEXT] [--first N] [--out FOLDER]

LIST.json is what `cargo mutants --list --json` gives; COPY is a copy of the workspace, which is written to.
"""

import argparse
import bisect
import collections
import json
import os
import pathlib
import resource
import subprocess
import sys
import time

import tree_sitter
import tree_sitter_rust

TIMEOUT_S = 60
LATE_TIMEOUT_S = 600
# A changed loop may ask for all memory there is.
MEMORY_BYTES_MAX = 6 << 30
ROUNDS_MAX = 40

MODULE = """
#[doc(hidden)]
#[allow(clippy::all)]
pub(crate) mod changes {
    pub(crate) fn on(number: u32) -> bool {
        static ON: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
        let read = || std::env::var("TRAM_CHANGE").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        *ON.get_or_init(read) == number
    }
}
"""


class Piece:
    """Text put in at `at`, in the place of what stands up to `end`; of one change, or of none alone."""

    def __init__(self, at, text, rank, number=None, end=None):
        self.at, self.text, self.rank, self.number = at, text, rank, number
        self.end = at if end is None else end


def on(number):
    return f"crate::changes::on({number})"


class File:
    """One source file and its changes: a list of (nodes' ranges, changes, pieces)."""

    def __init__(self, path, changes, parser):
        self.path = path
        self.bytes = path.read_bytes()
        self.tree = parser.parse(self.bytes)
        lines = self.bytes.split(b"\n")
        self.starts = [0]
        for line in lines:
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.lines = lines
        self.nodes = collections.defaultdict(list)
        self.walk(self.tree.root_node)
        self.changes = changes
        self.without = []

    def walk(self, root):
        stack = [root]
        while stack:
            node = stack.pop()
            self.nodes[node.type].append(node)
            stack.extend(node.children)

    def offset(self, place):
        line = self.lines[place["line"] - 1].decode()
        return self.starts[place["line"] - 1] + len(line[: place["column"] - 1].encode())

    def text(self, node):
        return self.bytes[node.start_byte : node.end_byte].decode()

    def innermost(self, types, start, end):
        held = [n for t in types for n in self.nodes[t] if n.start_byte <= start and end <= n.end_byte]
        return min(held, key=lambda n: n.end_byte - n.start_byte, default=None)

    def is_constant(self, node):
        while node is not None:
            if node.type in ("const_item", "static_item", "array_type", "const_block"):
                return True
            if node.type == "function_item":
                kinds = [c for c in node.children if c.type == "function_modifiers"]
                return any(b"const" in self.bytes[k.start_byte : k.end_byte].split() for k in kinds)
            node = node.parent
        return False

    def pieces(self, dropped):
        """All pieces of the changes that are left, and each wrapped range with its changes."""
        found, ranges = [], []
        by_place = collections.defaultdict(list)
        self.without = []
        for change in self.changes:
            if change["number"] not in dropped:
                span = change["span"]
                at = (self.offset(span["start"]), self.offset(span["end"]))
                by_place[(change["genre"], at)].append(change)
        for (genre, (start, end)), changes in by_place.items():
            made = getattr(self, genre.lower(), lambda *_: None)(start, end, changes)
            if made is None:
                self.without.extend(changes)
                continue
            whole, parts = made
            found.extend(parts)
            ranges.append((whole.start_byte, whole.end_byte, [c["number"] for c in changes]))
        return found, ranges

    def wrap(self, node, before, after):
        """Around a node: outer ones open first and close last."""
        size = node.end_byte - node.start_byte
        return [Piece(node.start_byte, before, (1, -size)), Piece(node.end_byte, after, (0, size))]

    def fnvalue(self, start, end, changes):
        function = self.innermost(["function_item"], start, end)
        if function is None or self.is_constant(function):
            return None
        at = function.child_by_field_name("body").start_byte + 1
        parts = [
            Piece(at, f" if {on(c['number'])} {{ return {c['replacement']}; }} ", (2, c["number"]), c["number"])
            for c in changes
        ]
        return function, parts

    def binaryoperator(self, start, end, changes):
        node = self.innermost(["binary_expression"], start, end)
        operator = node and node.child_by_field_name("operator")
        if node is None or operator.start_byte != start:
            return self.compound(start, changes)
        if self.is_constant(node):
            return None
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        is_ = self.text(operator)

        if is_ in ("&&", "||"):
            if any(self.has_let(side) for side in (left, right)):
                return None
            (change,) = changes
            sign = "==" if is_ == "&&" else "!="
            middle = f") {{ __m => if __m {sign} {on(change['number'])} {{ __m }} else {{ "
            return node, self.wrap(node, "(match (", " } })") + [Piece(start, middle, (3, 0), end=end)]
        if is_ in ("==", "!=", "<", ">", "<=", ">="):
            return self.operands(node, start, end, is_, changes, by="&", of="*")
        return self.operands(node, start, end, is_, changes, by="", of="")

    def operands(self, node, start, end, is_, changes, by, of):
        """Both sides once, by reference or by value; then the operator that is switched on."""
        size = node.end_byte - node.start_byte
        parts = [
            Piece(node.start_byte, f"(match ({by}(", (1, -size)),
            Piece(start, f"), {by}(", (3, 0), end=end),
            Piece(node.end_byte, ")) { (__a, __b) => {", (0, size, 0)),
        ]
        for at, change in enumerate(changes, 1):
            case = f" if {on(change['number'])} {{ {of}__a {change['replacement']} {of}__b }} else "
            parts.append(Piece(node.end_byte, case, (0, size, at), change["number"]))
        last = f" {{ {of}__a {is_} {of}__b }} }} }})"
        return node, parts + [Piece(node.end_byte, last, (0, size, len(changes) + 1))]

    def compound(self, start, changes):
        node = self.innermost(["compound_assignment_expr"], start, start + 1)
        if node is None or self.is_constant(node):
            return None
        operator = node.child_by_field_name("operator")
        if operator.start_byte != start:
            return None
        left, right = self.text(node.child_by_field_name("left")), self.text(node.child_by_field_name("right"))
        parts = [
            Piece(node.start_byte, f" if {on(c['number'])} {{ {left} {c['replacement']} {right} }} else ", (1, 0, at), c["number"])
            for at, c in enumerate(changes)
        ]
        parts += [Piece(node.start_byte, "{", (1, 1)), Piece(node.end_byte, "}", (0, 0))]
        return node, parts

    def unaryoperator(self, start, end, changes):
        node = self.innermost(["unary_expression"], start, end)
        if node is None or node.start_byte != start or self.is_constant(node):
            return None
        (change,) = changes
        sign, size = self.bytes[start:end].decode(), node.end_byte - node.start_byte
        after = f") {{ __m => if {on(change['number'])} {{ __m }} else {{ {sign} __m }} }})"
        parts = [Piece(start, "(match (", (1, -size), end=end), Piece(node.end_byte, after, (0, size))]
        return node, parts

    def matcharmguard(self, start, end, changes):
        pattern = self.innermost(["match_pattern"], start, end)
        guard = pattern and pattern.child_by_field_name("condition")
        if guard is None or guard.start_byte != start or self.has_let(guard):
            return None
        cases = "".join(f"if {on(c['number'])} {{ {c['replacement']} }} else " for c in changes)
        return guard, self.wrap(guard, f"({cases}{{ (", ") })")

    def matcharm(self, start, end, changes):
        arm = self.innermost(["match_arm"], start, end)
        (change,) = changes
        if arm is None or self.is_constant(arm):
            return None
        pattern = arm.child_by_field_name("pattern")
        guard = pattern.child_by_field_name("condition")
        if guard is not None:
            if self.has_let(guard):
                return None
            size = guard.end_byte - guard.start_byte + 1
            opened = Piece(guard.start_byte, f"(!{on(change['number'])} && (", (1, -size))
            return arm, [opened, Piece(guard.end_byte, "))", (0, size))]
        return arm, [Piece(pattern.end_byte, f" if !{on(change['number'])} ", (0, 1 << 40), change["number"])]

    @staticmethod
    def has_let(node):
        return node.type in ("let_chain", "let_condition") or any(
            child.type in ("let_chain", "let_condition") for child in node.children
        )

    def write(self, dropped):
        """The file with its switches; where each piece and range then lies."""
        pieces, ranges = self.pieces(dropped)
        pieces.sort(key=lambda p: (p.at, p.rank))
        out, at, marks, shift = bytearray(), 0, [], []
        for piece in pieces:
            out += self.bytes[at : piece.at]
            shift.append((piece.at, len(out)))
            text = piece.text.encode()
            if piece.number is not None:
                marks.append((len(out), len(out) + len(text), [piece.number]))
            out += text
            at = max(at, piece.end)
            shift.append((piece.end, len(out)))
        out += self.bytes[at:]
        keys = [old for old, _ in shift]

        def moved(old, side):
            i = (bisect.bisect_left if side == "start" else bisect.bisect_right)(keys, old) - 1
            return old if i < 0 else shift[i][1] + old - shift[i][0]

        wide = [(moved(a, "start"), moved(b, "end"), numbers) for a, b, numbers in ranges]
        self.path.write_bytes(bytes(out))
        return marks, sorted(wide, key=lambda r: r[1] - r[0])


def build(args, files, copy):
    """Builds until everything that does not compile is out; the tests' programs, and what was dropped."""
    dropped = set()
    for _ in range(ROUNDS_MAX):
        places = {str(path): file.write(dropped) for path, file in files.items()}
        command = ["cargo", "test", "-p", args.package, "--lib", "--tests", "--no-run", "--message-format=json"]
        environment = dict(os.environ, RUSTFLAGS="--cap-lints=allow", CARGO_PROFILE_TEST_DEBUG="0", CARGO_PROFILE_DEV_DEBUG="0")
        ran = subprocess.run(command, cwd=copy, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
        if ran.returncode == 0:
            beside = [found for one in args.beside for found in built_beside(one, copy, environment)]
            return [m["executable"] for m in said if m.get("executable")], beside, dropped
        bad = set()
        for m in said:
            if m.get("reason") != "compiler-message" or m["message"]["level"] != "error":
                continue
            for span in m["message"]["spans"]:
                if span["is_primary"]:
                    bad |= blamed(span, places)
        if not bad - dropped:
            sys.exit("does not build, and no change is to blame:\n" + "\n".join(
                m["message"]["rendered"] for m in said if m.get("reason") == "compiler-message" and m["message"]["level"] == "error")[:4000]
                + ran.stderr[-2000:])
        dropped |= bad
        print(f"{len(dropped)} do not compile", flush=True)
    sys.exit("still does not build")


def built_beside(one, copy, environment):
    """A program of another package's tests, and the folder it runs in."""
    package, test = one.split(":")
    command = ["cargo", "test", "-p", package, "--test", test, "--no-run", "--message-format=json"]
    ran = subprocess.run(command, cwd=copy, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    said = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    return [(m["executable"], pathlib.Path(m["manifest_path"]).parent) for m in said
            if m.get("executable") and m["target"]["name"] == test]


def blamed(span, places):
    while span.get("expansion") and span["file_name"] not in places:
        span = span["expansion"]["span"]
    marks, ranges = places.get(span["file_name"], ([], []))
    start, end = span["byte_start"], span["byte_end"]
    for a, b, numbers in marks:
        if a < end and start < b:
            return set(numbers)
    for a, b, numbers in ranges:
        if a <= start and end <= b:
            return set(numbers)
    return set()


def limits():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def fails(program, folder, number, arguments, timeout_s=TIMEOUT_S):
    """None where the tests pass; else how they do not."""
    environment = dict(os.environ, TRAM_CHANGE=str(number), RUST_BACKTRACE="0", RUST_TEST_THREADS="1")
    try:
        ran = subprocess.run([program, *arguments], cwd=folder, env=environment, timeout=timeout_s,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=limits)
    except subprocess.TimeoutExpired:
        return "time"
    return None if ran.returncode == 0 else "test"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list")
    parser.add_argument("copy")
    parser.add_argument("--package", required=True)
    parser.add_argument("--late", action="append", default=[], help="tests that run only where no other one fails")
    parser.add_argument("--never-late", action="store_true", help="leave those out altogether")
    parser.add_argument("--beside", action="append", default=[], metavar="PACKAGE:TEST",
                        help="tests of another package, which run where no other one fails")
    parser.add_argument("--only", default="", help="changes whose name has this text")
    parser.add_argument("--first", type=int, default=1, help="the number of the change to begin with")
    parser.add_argument("--out", default="switches.out")
    args = parser.parse_args()
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    copy = pathlib.Path(args.copy).resolve()
    changes = json.loads(pathlib.Path(args.list).read_text())
    rust = tree_sitter.Parser(tree_sitter.Language(tree_sitter_rust.language()))
    by_file = collections.defaultdict(list)
    for number, change in enumerate(changes, 1):
        change["number"] = number
        by_file[change["file"]].append(change)
    files = {name: File(copy / name, of, rust) for name, of in by_file.items()}
    crate = copy / "crates" / args.package.removeprefix("tram-")
    library = crate / "src" / "lib.rs"
    name = str(library.relative_to(copy))
    if name in files:
        files[name].bytes += MODULE.encode()
    elif "mod changes" not in library.read_text():
        library.write_text(library.read_text() + MODULE)
    programs, beside, dropped = build(args, files, copy)
    without = {c["number"] for f in files.values() for c in f.without}
    rows = judge(args, crate, changes, (programs, beside), dropped, without, out)
    report(rows, out)


def judge(args, crate, changes, programs, dropped, without, out):
    timed, (programs, beside) = [], programs
    skip = [word for test in args.late for word in ("--skip", test)]
    for program in programs:
        began = time.monotonic()
        if fails(program, crate, 0, skip) is not None:
            sys.exit(f"{program} fails without any change")
        timed.append((time.monotonic() - began, program))
    timed.sort()
    rows, log = [], (out / "log.txt").open("w")
    for at, change in enumerate(changes, 1):
        if at < args.first or args.only not in change["name"]:
            continue
        number = change["number"]
        if number in without:
            how = "no switch"
        elif number in dropped:
            how = "does not compile"
        else:
            how = next((h for _, p in timed if (h := fails(p, crate, number, skip))), None)
            if how is None:
                how = next((h for p, folder in beside if (h := fails(p, folder, number, [], LATE_TIMEOUT_S))), None)
            if how is None and skip and not args.never_late:
                how = next((h for _, p in timed if (h := fails(p, crate, number, args.late, LATE_TIMEOUT_S))), None)
            how = {"test": "told", "time": "told by time", None: "MISSED"}[how]
        rows.append((change["file"], how, change["name"]))
        print(how, change["name"], sep="\t", file=log, flush=True)
        if at % 50 == 0:
            print(f"{at} of {len(changes)}", flush=True)
    return rows


def report(rows, out):
    kinds = ["told", "told by time", "does not compile", "no switch", "MISSED"]
    files = sorted({file for file, _, _ in rows})
    count = collections.Counter((file, how) for file, how, _ in rows)
    print("| file | changes | " + " | ".join(kinds) + " |")
    print("| --- |" + " --- |" * (1 + len(kinds)))
    for file in files + [None]:
        of = [sum(count[(f, k)] for f in ([file] if file else files)) for k in kinds]
        print(f"| {file or 'all'} | {sum(of)} | " + " | ".join(map(str, of)) + " |")
    missed = [name for _, how, name in rows if how == "MISSED"]
    (out / "missed.txt").write_text("".join(name + "\n" for name in missed))
    (out / "no-switch.txt").write_text("".join(n + "\n" for _, how, n in rows if how == "no switch"))
    print("\n".join(["", "MISSED:", *missed]))


if __name__ == "__main__":
    main()
