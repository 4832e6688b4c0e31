"""How long `tram verify` takes as a process, from its start to its exit.

    verify_times.py TRAM RUNS NAME BUDGET_MS ARG... [-- NAME BUDGET_MS ARG...]...

Each ARG... is what follows `tram verify`. Prints median and 99th percentile; exits with 1 if a median is over its
budget, or a run does not exit with 0.
"""

import os
import sys
import time


def once(words):
    out = os.open(os.devnull, os.O_WRONLY)
    actions = [(os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, out, 2)]
    began = time.perf_counter_ns()
    pid = os.posix_spawn(words[0], words, os.environ, file_actions=actions)
    _, status = os.waitpid(pid, 0)
    spent = time.perf_counter_ns() - began
    os.close(out)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{' '.join(words)}: {os.waitstatus_to_exitcode(status)}")
    return spent / 1e6


def main():
    tram, runs, rest = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    over = False
    while rest:
        end = rest.index("--") if "--" in rest else len(rest)
        (name, budget, *words), rest = rest[:end], rest[end + 1 :]
        words = [tram, "verify", *words]
        once(words)
        times = sorted(once(words) for _ in range(runs))
        median, last = times[len(times) // 2], times[min(len(times) - 1, len(times) * 99 // 100)]
        over |= median > float(budget)
        print(f"{name}: median {median:.2f} ms, p99 {last:.2f} ms, budget {budget} ms, {runs} runs")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
