#!/bin/bash
# Run `portbook lint --github` with the inputs of the action: PORTBOOK_PATHS, PORTBOOK_FAIL_ON,
# PORTBOOK_SARIF and PORTBOOK_ARGS. Nothing is imported from the repository that is checked (-I).
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

# failed CODE SENTENCE
failed() {
    echo "::error title=portbook lint::$2"
    ended "$1"
}

ended() {
    echo "exit-code=$1" >>"$GITHUB_OUTPUT"
    exit "$1"
}

lint() {
    "$home/bin/python" -I -m portbook lint "$@" "${arguments[@]}" -- "${paths[@]}"
}

# A line of its own in GITHUB_OUTPUT would be an output of its own.
case "${PORTBOOK_SARIF:-}" in
*[$'\n\r']*) failed 2 "the input sarif-file has more than one line" ;;
esac

list=$(mktemp "$RUNNER_TEMP/portbook-words.XXXXXX")
words "${PORTBOOK_ARGS:-}" args >"$list" || failed 2 "the input args cannot be parted into words"
mapfile -d '' -t arguments <"$list"
words "${PORTBOOK_PATHS:-.}" paths >"$list" || failed 2 "the input paths cannot be parted into words"
mapfile -d '' -t paths <"$list"
rm -f "$list"
if [ -n "${PORTBOOK_FAIL_ON:-}" ]; then
    arguments+=("--fail-on=$PORTBOOK_FAIL_ON")
fi

if [ -n "${PORTBOOK_SARIF:-}" ]; then
    log=$(mktemp "$RUNNER_TEMP/portbook-sarif.XXXXXX")
    trap 'rm -f "$log"' EXIT
    # Findings (1) and unread files (3) are in the log too; the run below tells of them.
    code=0
    lint --sarif >"$log" || code=$?
    case $code in
    0 | 1 | 3) ;;
    *) ended "$code" ;;
    esac
    { mkdir -p -- "$(dirname -- "$PORTBOOK_SARIF")" && cat "$log" >"$PORTBOOK_SARIF"; } ||
        failed 5 "the file of the input sarif-file cannot be written"
    echo "sarif-file=$PORTBOOK_SARIF" >>"$GITHUB_OUTPUT"
fi

code=0
lint --github || code=$?
ended "$code"
