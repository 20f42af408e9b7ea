"""The script that an interpreter was started with, read from its command line."""

from collections.abc import Sequence

# Options that take the next argument with them.
_WITH_VALUE = {
    "python": ("-W", "-X", "--check-hash-based-pycs"),
    "node": (
        "-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions",
        "--env-file", "--title", "--input-type", "--inspect-port",
    ),
    "bun": ("-r", "--preload", "--cwd", "-c", "--config", "--env-file", "--port"),
    "deno": ("-c", "--config", "--import-map", "--lock", "--cert", "--env-file", "--port"),
    "ruby": ("-I", "-r", "-C", "-E", "-W"),
}  # fmt: skip
# Options after which there is no script: a program text, or a module of that name.
_INLINE = {
    "python": ("-c", "-m"),
    "node": ("-e", "--eval", "-p", "--print"),
    "bun": ("-e", "--eval", "-p", "--print"),
    "deno": (),
    "ruby": ("-e",),
}
# Words between the program and its script. Those that name a task of the manifest have none.
_COMMANDS = {"bun": ("run", "x"), "deno": ("run", "serve", "watch")}
_TASKS = {"deno": ("task", "eval", "repl", "test"), "bun": ("test", "dev", "start")}


def script_of(kind: str, arguments: Sequence[str]) -> str | None:
    """The path of the script as it was given; None for a module, inline text or a renamed title.

    Servers may write a title over their arguments (`gunicorn: master [app]`): a first argument
    with a space and a colon is one.
    """
    if not arguments or ": " in arguments[0]:
        return None
    rest = iter(arguments[1:])
    for argument in rest:
        if argument == "--":
            return next(rest, None) or None
        if argument in ("", "-") or argument in _TASKS.get(kind, ()):
            return None
        if argument in _COMMANDS.get(kind, ()):
            continue
        if not argument.startswith("-"):
            return argument
        if argument in _WITH_VALUE[kind]:
            next(rest, None)
        elif argument in _INLINE[kind] or (kind == "python" and _bundled(argument)):
            return None
    return None


def _bundled(argument: str) -> bool:
    """Whether short options of Python that are written together hold -c or -m (`-um`, `-Ic`)."""
    if argument.startswith("--"):
        return False
    for letter in argument[1:]:
        if letter in "WX":
            return False
        if letter in "cm":
            return True
    return False
