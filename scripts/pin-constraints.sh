#!/usr/bin/env bash
# Print the pins of everything installed in VENV except lastseen itself.
#
#   scripts/pin-constraints.sh VENV > constraints.txt
set -euo pipefail

venv=$1
echo "# Versions that the tests passed with. Written by 'make constraints'; do not edit by hand."
"$venv/bin/python" -m pip list --format=freeze --disable-pip-version-check \
  --exclude lastseen --exclude-editable | LC_ALL=C sort --ignore-case
