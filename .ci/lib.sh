# Shared by .ci/run and .ci/long: tools, steps with a time budget, the table at the end.
# Sourced, never run. Every step function runs in its own bash, so it sees what is exported here.

export CARGO_TERM_COLOR=never
export TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
export VENV="$TARGET_DIR/ci-venv"
export CI_LOGS="$TARGET_DIR/ci-logs"

STEP_ROWS=()
STEPS_FAILED=0
STEPS_DONE=0
STEP_PID=
# A job in the background does not hear Ctrl-C.
trap 'if [[ -n $STEP_PID ]]; then kill -TERM "$STEP_PID"; fi' EXIT

# step NAME BUDGET_S FUNCTION [ARG...]
# Runs the function with its output shown and kept in ci-logs/NAME.log. Over budget is reported;
# three times the budget is the end. A failed step does not stop the others: one run shows all.
step() {
  local name=$1 budget=$2 log=$CI_LOGS/$1.log rc=0 began spent verdict
  shift 2
  began=$(date +%s)
  printf '\n=== %s: budget %s s: %s\n' "$name" "$budget" "$*"
  : >"$log"
  # Not through a pipe: a process that a test left behind would keep it open, and hang the run.
  timeout -k 20 $((budget * 3)) bash -euo pipefail -c '"$@"' step "$@" </dev/null >"$log" 2>&1 &
  STEP_PID=$!
  tail -n +1 -s 0.2 -f --pid="$STEP_PID" "$log" &
  wait "$STEP_PID" || rc=$?
  wait $! || true
  STEP_PID=
  spent=$(($(date +%s) - began))
  verdict=ok
  if ((spent > budget)); then verdict='ok, OVER BUDGET'; fi
  if ((rc == 124 || rc == 137)); then verdict="FAILED: stopped after $((budget * 3)) s"; fi
  if ((rc != 0 && rc != 124 && rc != 137)); then verdict="FAILED: exit $rc"; fi
  if ((rc != 0)); then STEPS_FAILED=$((STEPS_FAILED + 1)); fi
  STEPS_DONE=$((STEPS_DONE + 1))
  STEP_ROWS+=("$(printf '%-12s %8s %8s  %s' "$name" "$budget" "$spent" "$verdict")")
  printf '=== %s: %s, %s s of %s s\n' "$name" "$verdict" "$spent" "$budget"
}

# The table. Its exit status is that of the whole run.
finish() {
  printf '\n%-12s %8s %8s  %s\n' step 'budget s' 'spent s' result
  printf '%s\n' "${STEP_ROWS[@]}"
  printf 'total %s s; %s steps, %s failed; logs in %s\n' \
    "$SECONDS" "$STEPS_DONE" "$STEPS_FAILED" "$CI_LOGS"
  ((STEPS_FAILED == 0))
}

# Adds up "test result:" lines of cargo test: prints "passed failed ignored".
count_tests() {
  cat "$@" | awk '/^test result:/ {
      for (i = 2; i <= NF; i++) {
        if ($i ~ /^passed/) p += $(i-1); if ($i ~ /^failed/) f += $(i-1); if ($i ~ /^ignored/) g += $(i-1)
      }
    } END { printf "%d %d %d\n", p, f, g }'
}

# Whether a command, or a file that is named by its whole path, is there.
is_there() {
  case $1 in
    /*) [[ -e $1 ]] ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

# Installs Debian packages for the commands and files that are missing: need_commands COMMAND=PACKAGE...
# or /PATH=PACKAGE... where what is needed is no command, but a library of Java.
need_commands() {
  local pair missing=() root=()
  for pair in "$@"; do
    is_there "${pair%%=*}" || missing+=("${pair##*=}")
  done
  if ((${#missing[@]} == 0)); then return 0; fi
  if ((EUID != 0)); then root=(sudo -n); fi
  echo "installing: ${missing[*]}"
  "${root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -y -qq --no-install-recommends \
    "${missing[@]}"
}

# The Python environment of the tests, made once and kept in the target directory.
need_venv() {
  local wanted
  wanted=$(cat .ci/requirements.txt .ci/requirements-deny.txt | sha256sum)
  if [[ -f $VENV/.wanted && $(cat "$VENV/.wanted") == "$wanted" ]]; then return 0; fi
  rm -rf "$VENV"
  # Debian's python3 has venv without pip unless python3-venv is installed.
  if ! python3 -m venv "$VENV"; then
    need_commands no-such-command=python3-venv
    rm -rf "$VENV"
    python3 -m venv "$VENV"
  fi
  "$VENV/bin/pip" install --quiet --disable-pip-version-check -r .ci/requirements.txt
  "$VENV/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --require-hashes -r .ci/requirements-deny.txt
  echo "$wanted" >"$VENV/.wanted"
}
export -f count_tests is_there need_commands need_venv
