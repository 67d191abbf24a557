#!/usr/bin/env bash
# Create the virtual environment and install lastseen with pinned dependencies.
#
#   scripts/install.sh VENV [GROUP...]    GROUP: a dependency group or, with a leading +, an extra
#
# PYTHON names the interpreter (default: the first of python3, python3.13, ... that is new enough).
# The whole output of pip is kept in VENV/install.log.
set -euo pipefail

venv=$1
shift
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

new_enough() {
  command -v "$1" >/dev/null && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if new_enough "$candidate"; then
      command -v "$candidate"
      return 0
    fi
  done
  local found
  found=$("${PYTHON:-python3}" --version 2>/dev/null || echo "none")
  echo "lastseen needs Python 3.11 or newer; found: $found." >&2
  echo "On Debian 12 or newer and Ubuntu 24.04 or newer: sudo apt-get install python3 python3-venv" >&2
  echo "Elsewhere install one and name it: make install PYTHON=/path/to/python3.12" >&2
  return 1
}

create_venv() {
  local python
  python=$(find_python)
  # Debian ships Python without ensurepip; `python3 -m venv` then fails half-way.
  if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    bash scripts/system-packages.sh venv || {
      echo "This Python cannot make virtual environments: the package python3-venv is missing." >&2
      return 1
    }
  fi
  echo "Creating $venv with $("$python" --version)"
  "$python" -m venv "$venv"
}

pip_log() {
  # Let a person see that something goes on: big downloads, the unpacking, and the end.
  awk '
    /^Collecting / { found++; if (found % 20 == 0) { printf "  %d packages resolved\n", found; fflush() } }
    /^ *Downloading .* GB/ ||
    /^ *Downloading .*\([0-9][0-9][0-9]+(\.[0-9]+)? MB\)/ { sub(/^ */, "  "); print; fflush() }
    /^Installing collected packages/ {
      n = split($0, parts, ",")
      printf "  unpacking %d packages%s\n", n, (n > 20 ? " (a few minutes)" : ""); fflush()
    }'
}

pip_install() {
  if ! "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --progress-bar off \
    -c constraints.txt "$@" 2>&1 | tee -a "$venv/install.log" | pip_log; then
    tail -n 25 "$venv/install.log" >&2
    echo "Installation failed; the whole log is $venv/install.log" >&2
    return 1
  fi
}

import_cv2() { "$venv/bin/python" -c 'import cv2' 2>"$venv/import.log"; }

check_system_libraries() {
  if import_cv2; then return 0; fi
  if grep -q 'cannot open shared object file' "$venv/import.log"; then
    if bash scripts/system-packages.sh runtime && import_cv2; then return 0; fi
  fi
  tail -n 1 "$venv/import.log" >&2
  echo "OpenCV cannot be imported. With an administrator's help run: make system" >&2
  return 1
}

extras=()
groups=()
for name in "$@"; do
  case "$name" in
    +*) extras+=("${name#+}") ;;
    *) groups+=(--group "$name") ;;
  esac
done
project=.
if [[ ${#extras[@]} -gt 0 ]]; then
  project=".[$(
    IFS=,
    echo "${extras[*]}"
  )]"
fi

# A venv that was interrupted half-way has no pip and is made again.
"$venv/bin/python" -m pip --version >/dev/null 2>&1 || create_venv
: >"$venv/install.log"
echo "Installing lastseen and its pinned dependencies into $venv (first time: about 3 GB to download)"
pip_install pip
pip_install --build-constraint constraints.txt -e "$project" "${groups[@]}"
check_system_libraries
