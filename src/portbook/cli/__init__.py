"""The command line: finds the command (each is one file), runs it, turns errors into lines.

Start-up time is a budget, so a command's module is imported only when it is asked for.
"""

import sys
from collections.abc import Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from portbook.model import PortbookError

INTERRUPTED = 130

COMMANDS = {
    "ls": "every listener of this machine, with owner and verdict",
    "identify": "what listeners really speak, by asking them",
    "why": "why a port can or cannot be bound",
    "explain-error": "why, for the port in a program's 'address already in use'",
    "free": "numbers that are free to take, and why these",
    "reserve": "a number for good, for a project and a name",
    "unreserve": "give such a number back",
    "env": "the numbers of a project as variables, for a shell or a .env file",
    "run": "a program with a port of its own that nobody else can take",
    "claim": "a port that nobody else who asks gets",
    "renew": "begin the lease of a claim anew",
    "release": "give a claimed port back",
    "claims": "who has claimed what, bound or squatted",
    "sem": "named semaphores: so many at a time",
    "watch": "what calls a port: clients, health checks, probes, scans",
    "lint": "the ports that a project's files declare: what collides, what disagrees",
    "audit": "which listeners do not belong, and what changed",
    "stop": "end what listens on a port",
    "decoy": "stand on a port, say nothing, and tell what visitors wanted",
    "record": "write down who listens, change by change",
    "history": "who held a port, and when",
    "search": "find services by name, description, assignee or product",
    "orphans": "registrations that nothing public uses any more",
    "map": "the port space as a picture, in the terminal or as a file",
    "serve": "a page for every port, on http://127.0.0.1:3255/",
    "open": "open those pages in a browser, with what this machine does",
    "export-site": "those pages as files, for any web server or none",
    "feedback": "what visitors of the book said about its pages",
    "fleet": "the same questions over many hosts",
    "mcp": "these answers for coding agents (Model Context Protocol)",
    "metrics": "listeners, claims and callers for Prometheus, as a textfile too",
    "completion": "a script that completes commands, options and ports in your shell",
    "sources": "the public sources that were asked whether a registration is used",
    "update": "import IANA's current registry",
}
"""Every command word, which is its module too (with `_` for `-`), and its line in the help.

What is none is a port, a range or a service name (module `answer`).
"""

_VALUED = ("--root", "--color", "--source")


def run() -> "NoReturn":
    """The console script.

    A run is short: collecting garbage while modules are loaded and taking everything apart at the
    end would be 7 ms, a fifth of an answer (measured). `ls --watch` turns collecting on again.
    """
    import gc
    import os

    gc.disable()
    code = main()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            code = code or 5
    os._exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (0-5, 130; see docs/exit-codes.md).

    Never raises: an error is one line on stderr, and one more where there is a way out.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    from portbook.model.errors import EnvironmentFault, PortbookError

    if sys.stdout is None:
        return complain(EnvironmentFault("standard output is closed"))
    try:
        word, rest = split_command(arguments)
        from importlib import import_module

        from portbook.cli.arguments import parse

        module = import_module(module_of(word))
        return int(module.main(parse(word, module, rest)))
    except PortbookError as error:
        return complain(error)
    except SystemExit as ended:
        # argparse prints --help and --version itself.
        return _flushed(ended.code if isinstance(ended.code, int) else 0)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has what it wanted (`| head -1`); writing at exit must not complain either.
        from portbook.cli.render import abandon_stdout

        abandon_stdout()
        return 0
    except OSError as error:
        # Whatever the system refuses beyond what commands expect is still one line; a full disk
        # among it, and then what is left in the buffer must not be tried again at exit.
        from portbook.cli.render import abandon_stdout

        abandon_stdout()
        where = f"{error.filename}: " if error.filename else ""
        return complain(EnvironmentFault(f"{where}{error.strerror or error}"))
    except Exception as error:  # noqa: BLE001 - the last line of defence against a traceback
        return _own_fault(error)


def module_of(word: str | None) -> str:
    """The module of a command; that of `answer` where there is no word."""
    return f"portbook.cli.{(word or 'answer').replace('-', '_')}"


def _flushed(code: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        from portbook.cli.render import abandon_stdout

        abandon_stdout()
    except OSError as error:
        from portbook.cli.render import abandon_stdout
        from portbook.model.errors import EnvironmentFault

        abandon_stdout()
        return complain(EnvironmentFault(f"standard output: {error.strerror}"))
    return code


def _own_fault(error: Exception) -> int:
    """A fault of portbook's own is one line too; PORTBOOK_TRACEBACK=1 shows where it is."""
    import os

    from portbook.model.errors import EnvironmentFault

    if os.environ.get("PORTBOOK_TRACEBACK"):
        raise error
    said = f"{type(error).__name__}: {error}".splitlines()[0]
    return complain(
        EnvironmentFault(
            f"a fault in portbook itself: {said}",
            hint="PORTBOOK_TRACEBACK=1 shows where; please report it",
        )
    )


def split_command(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """The command word and everything else; None where the words are ports or absent.

    Options may stand before the word (`portbook --json ls`).
    """
    skip = False
    for index, argument in enumerate(arguments):
        if skip:
            skip = False
        elif argument in _VALUED:
            skip = True
        elif not argument.startswith("-"):
            if argument in COMMANDS:
                return argument, [*arguments[:index], *arguments[index + 1 :]]
            return None, list(arguments)
    return None, list(arguments)


def complain(error: "PortbookError") -> int:
    """Print an error as `portbook: error: …` and `hint: …` on stderr; returns its exit code."""
    from portbook.cli.render import safe

    if sys.stderr is None:
        return error.exit_code
    try:
        print(f"portbook: error: {safe(str(error))}", file=sys.stderr)
        if error.hint:
            print(f"hint: {safe(error.hint)}", file=sys.stderr)
    except OSError:
        pass
    return error.exit_code


__all__ = ["COMMANDS", "main", "module_of", "run"]
