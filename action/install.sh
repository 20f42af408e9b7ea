#!/bin/bash
# Install portbook with what `portbook lint` needs, in an environment of its own below RUNNER_TEMP.
#
# PORTBOOK_ACTION is this folder, PORTBOOK_VERSION a released version or empty: then the checkout
# that this folder is part of is installed. Python is isolated (-I) everywhere: the working folder is
# the repository that is checked, and a venv.py or pip.py in it must not be run.
set -euo pipefail

system=$(uname -s)
if [ "$system" != Linux ] || ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
    echo "::error title=portbook lint::it needs a Linux runner with bash 4.4 or newer, not $system with bash $BASH_VERSION"
    exit 5
fi

home="${RUNNER_TEMP:?a runner sets it}/portbook-lint"
python=""
for each in python3 python3.13 python3.12 python3.11 python; do
    if command -v "$each" >/dev/null &&
        "$each" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$each
        break
    fi
done
if [ -z "$python" ]; then
    echo "::error title=portbook lint::no Python 3.11 or newer: put actions/setup-python before it"
    exit 5
fi

if [ -n "${PORTBOOK_VERSION:-}" ]; then
    if [[ ! "$PORTBOOK_VERSION" =~ ^[0-9][0-9A-Za-z.+!-]*$ ]]; then
        echo "::error title=portbook lint::the input version is no version, such as 1.2.0"
        exit 2
    fi
    wanted="portbook[lint]==$PORTBOOK_VERSION"
else
    wanted="$(cd "$PORTBOOK_ACTION/.." && pwd)[lint]"
fi

"$python" -I -m venv "$home"
"$home/bin/python" -I -m pip install --quiet --disable-pip-version-check "$wanted"
