#!/bin/bash
# Run `portbook lint --github` with the inputs of the action: PORTBOOK_PATHS, PORTBOOK_FAIL_ON,
# PORTBOOK_SARIF and PORTBOOK_ARGS.
set -euo pipefail

home="${RUNNER_TEMP:?a runner sets it}/portbook-lint"

# Words as a shell would part them, but nothing in them is run or expanded.
words() {
    "$home/bin/python" -I -c '
import shlex, sys
try:
    words = shlex.split(sys.argv[1])
except ValueError as error:
    sys.exit(f"{sys.argv[2]}: {error}")
sys.stdout.write("".join(f"{word}\0" for word in words))
' "$1" "$2"
}

failed() {
    echo "::error title=portbook lint::the input $1 cannot be parted into words"
    echo "exit-code=2" >>"$GITHUB_OUTPUT"
    exit 2
}

list=$(mktemp "$RUNNER_TEMP/portbook-words.XXXXXX")
words "${PORTBOOK_ARGS:-}" args >"$list" || failed args
mapfile -d '' -t arguments <"$list"
words "${PORTBOOK_PATHS:-.}" paths >"$list" || failed paths
mapfile -d '' -t paths <"$list"
rm -f "$list"
if [ -n "${PORTBOOK_FAIL_ON:-}" ]; then
    arguments+=("--fail-on=$PORTBOOK_FAIL_ON")
fi

if [ -n "${PORTBOOK_SARIF:-}" ]; then
    # Findings (1) and unread files (3) are in the log too; the run below tells of them.
    "$home/bin/portbook" lint --sarif "${arguments[@]}" -- "${paths[@]}" >"$PORTBOOK_SARIF" ||
        case $? in 1 | 3) ;; *) exit 5 ;; esac
    echo "sarif-file=$PORTBOOK_SARIF" >>"$GITHUB_OUTPUT"
fi

code=0
"$home/bin/portbook" lint --github "${arguments[@]}" -- "${paths[@]}" || code=$?
echo "exit-code=$code" >>"$GITHUB_OUTPUT"
exit "$code"
