#!/bin/bash
# Install portbook with what `portbook lint` needs, in an environment of its own below RUNNER_TEMP.
#
# PORTBOOK_ACTION is this folder, PORTBOOK_VERSION a released version or empty: then the checkout
# that this folder is part of is installed.
set -euo pipefail

home="${RUNNER_TEMP:?a runner sets it}/portbook-lint"
python=""
for each in python3 python3.13 python3.12 python3.11 python; do
    if command -v "$each" >/dev/null &&
        "$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
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

"$python" -m venv "$home"
"$home/bin/python" -m pip install --quiet --disable-pip-version-check "$wanted"
