"""A script that completes commands, options, ports and names in bash, zsh or fish."""

import argparse
import os
from importlib import import_module

from portbook.cli.render import emit, emit_json
from portbook.model.document import document
from portbook.model.errors import UsageError

SHELLS = ("bash", "zsh", "fish")


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook completion`."""
    parser.add_argument(
        "shell", metavar="SHELL", nargs="?", choices=SHELLS, help="bash, zsh, fish (that of $SHELL)"
    )
    # What the scripts ask: completion --words KIND PREFIX.
    parser.add_argument("--words", nargs=2, help=argparse.SUPPRESS)
    parser.epilog = _EPILOG


_EPILOG = """in ~/.bashrc:                   source <(portbook completion bash)
in ~/.zshrc, after compinit:    source <(portbook completion zsh)
in ~/.config/fish/config.fish:  portbook completion fish | source"""


def main(options: argparse.Namespace) -> int:
    """Print the script of a shell; or words, for a script that asks.

    Raises:
        UsageError: no shell was named, and $SHELL is none of these.
    """
    if options.words:
        from portbook.cli.completion_words import lines

        emit(lines(*options.words))
        return 0
    shell = options.shell or os.path.basename(os.environ.get("SHELL", ""))
    if shell not in SHELLS:
        said = f"$SHELL is {shell}" if shell else "$SHELL is not set"
        raise UsageError(f"which shell? {said}", hint=f"one of {', '.join(SHELLS)}")
    text = script(shell)
    if options.json or options.jsonl:
        emit_json(document("completion", {"shell": shell, "script": text}), line=options.jsonl)
    else:
        emit(text.splitlines())
    return 0


def script(shell: str) -> str:
    """The script of one shell, made from the parsers of every command."""
    from portbook.cli.completion_plan import plan

    return str(import_module(f"portbook.cli.completion_{shell}").script(plan()))
