"""What a command line says: shells, interpreters, and programs that are given inline. Pure."""

from portbook.model import Facts, Package, Said, Unknown

SHELLS = frozenset(
    (
        *("sh", "bash", "dash", "ash", "zsh", "ksh", "ksh93", "mksh", "lksh", "pdksh", "oksh"),
        *("csh", "tcsh", "fish", "rbash", "yash", "posh", "elvish", "nu", "xonsh", "bash-static"),
    )
)
_APPLET_SHELLS = frozenset(("sh", "ash", "hush", "msh", "bash"))

# For each interpreter: the letters that take the program as the next word (or the rest of the
# word), the letters that take a value of their own, and the long options and subcommands.
_INLINE = {
    "python": ("c", "WXm", ()),
    "perl": ("eE", "MmIiFxCDdV0", ()),
    "ruby": ("e", "rICEFKiTWx", ()),
    "node": ("ep", "rC", ("--eval", "--print")),
    "nodejs": ("ep", "rC", ("--eval", "--print")),
    "bun": ("e", "r", ("--eval",)),
    "deno": ("", "", ("eval",)),
    "php": ("r", "cdzSt", ("--run",)),
    "lua": ("e", "l", ()),
    "luajit": ("e", "lj", ()),
    "Rscript": ("e", "", ()),
    "guile": ("c", "lLCsx", ()),
    "pypy": ("c", "WXm", ()),
}
_OF_MULTIPROCESSING = ("spawn", "forkserver", "resource_tracker", "semaphore_tracker")


PORTBOOKS_OWN = "semaphore"
"""The registered service whose number, 3255, portbook answers on: abandoned since 2002."""


def base_name(path: str) -> str:
    """The last part of a path, without the dash of a login shell."""
    return path.rsplit("/", 1)[-1].lstrip("-")


def program_of(facts: Facts) -> str:
    """What the program is called: by its executable, else its command line, else its name."""
    if isinstance(facts.exe, str):
        return base_name(facts.exe)
    if facts.cmdline and not isinstance(facts.cmdline, Unknown):
        return base_name(facts.cmdline[0])
    return base_name(facts.process or "")


def shell_of(facts: Facts) -> str | None:
    """The shell that the process is, also as an applet of busybox or toybox."""
    name = program_of(facts)
    if name in SHELLS:
        return name
    if name in ("busybox", "toybox", "busybox-static") and not isinstance(facts.cmdline, Unknown):
        for word in facts.cmdline[:2]:
            if base_name(word) in _APPLET_SHELLS:
                return base_name(word)
    return None


def interpreter_of(name: str) -> str | None:
    """The language that a program interprets: `python3.11` python, `perl5.36` perl."""
    bare = name.rstrip("0123456789.-")
    return bare if bare in _INLINE else None


def inline_program(facts: Facts) -> str | None:
    """The option that carries the program's text on the command line, such as `python -c`."""
    language = interpreter_of(program_of(facts))
    if language is None or isinstance(facts.cmdline, Unknown):
        return None
    carrying, valued, words = _INLINE[language]
    arguments = facts.cmdline[1:]
    index = 0
    while index < len(arguments):
        word = arguments[index]
        index += 1
        if word in words or word.partition("=")[0] in words:
            return f"{language} {word.partition('=')[0]}"
        if word == "-":
            return Said(
                "%(program)s (its program came through standard input)", program=f"{language} -"
            )
        if not word.startswith("-") or word == "--":
            return None
        if word.startswith("--"):
            continue
        for place, letter in enumerate(word[1:], start=1):
            if letter in carrying:
                text = word[place + 1 :] or (arguments[index] if index < len(arguments) else "")
                return None if _is_multiprocessing(language, text) else f"{language} -{letter}"
            if letter in valued:
                # Its value is the rest of the word, or the next one for those that insist.
                if letter in "WXrSt" and place == len(word) - 1:
                    index += 1
                if letter == "m" and language in ("python", "pypy"):
                    return None
                break
    return None


def _is_multiprocessing(language: str, text: str) -> bool:
    """Whether Python started itself: workers of `multiprocessing` are inline programs, all."""
    if language not in ("python", "pypy") or not text.startswith("from multiprocessing."):
        return False
    head, _, call = text.partition(";")
    module = head.removeprefix("from multiprocessing.").split(" ", 1)[0]
    return (
        module in _OF_MULTIPROCESSING
        and head.split(" ", 2)[2] in ("import main", "import spawn_main")
        and call.strip().startswith(("main(", "spawn_main("))
        and ";" not in call
        and call.endswith(")")
    )


def is_portbook(facts: Facts) -> bool:
    """Whether the program is portbook itself: its script, or `python -m portbook`."""
    if facts.process == "portbook":
        return True
    if isinstance(facts.cmdline, Unknown):
        return False
    if base_name(next(iter(facts.cmdline), "")) == "portbook":
        return True
    if interpreter_of(program_of(facts)) not in ("python", "pypy"):
        return False
    words = iter(facts.cmdline[1:])
    for word in words:
        if word == "-m":
            return next(words, "") == "portbook"
        if word in ("-W", "-X"):
            next(words, None)
        elif not word.startswith("-"):
            return base_name(word) == "portbook"
    return False


def is_unpackaged(facts: Facts) -> bool:
    """Whether no package owns the executable, for sure."""
    return facts.package is None and isinstance(facts.exe, str)


def is_packaged(facts: Facts) -> bool:
    """Whether a package owns the executable."""
    return isinstance(facts.package, Package)


def milder(severity: str, facts: Facts) -> str:
    """One step down where only this machine can reach the listener."""
    if facts.reach != "loopback":
        return severity
    return {"high": "medium", "medium": "low"}.get(severity, severity)
