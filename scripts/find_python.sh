# Sourced by the other scripts: find_python prints the path of a Python that portbook can run on.

find_python() {
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
        [ -n "$candidate" ] || continue
        path=$(command -v "$candidate" 2>/dev/null) || continue
        # The real interpreter, not a version manager's shim in front of it.
        real=$("$path" -I -c 'import sys; print(sys.executable if sys.version_info >= (3, 11) else "")' 2>/dev/null) || continue
        if [ -n "$real" ]; then
            printf '%s\n' "$real"
            return 0
        fi
    done
    echo "portbook: error: no Python 3.11 or newer was found" >&2
    echo "hint: install python3 (Debian: apt-get install python3 python3-venv), or set PYTHON" >&2
    return 1
}
