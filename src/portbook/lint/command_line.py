"""The ports that a command line names: what its programs would listen on, publish or connect to.

A text is cut into commands (`command_words`), what only starts something else is taken off
(`sudo`, `npx`, `sh -c`), and the program that is left reads its own options (`command_programs`,
`command_tools`). Of a program that is not known `--port` alone counts.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from portbook.lint.command_port import CommandPort, bound, local_ports, number
from portbook.lint.command_programs import (
    NOT_LISTENING,
    PROGRAMS,
    READS_PORT,
    THROUGH,
    WRAPPERS,
    Program,
)
from portbook.lint.command_words import Command, Word, commands_of

__all__ = ["CommandPort", "Word", "ports_in_command", "ports_in_words"]

MOST_DEPTH = 5

_DIGIT = re.compile(r"\d")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=")
_PORT_NAME = re.compile(r"(?:.*_)?PORT", re.IGNORECASE)
_VERSION = re.compile(r"(?<=[a-z])-?\d+(?:\.\d+)*$")
_SUFFIX = re.compile(r"\.(?:exe|cmd|sh|js|mjs|cjs|ts|py|phar)$")
_KEYWORDS = frozenset(("if", "then", "else", "elif", "do", "while", "until", "!", "{", "}", "set"))
_SHELLS = frozenset(("sh", "bash", "zsh", "dash", "ash", "ksh", "fish"))
_MANY = frozenset(("concurrently", "mprocs"))
_TESTERS = frozenset(("start-server-and-test", "start-test", "server-test"))
_SCRIPTS = frozenset(("npm", "yarn", "pnpm", "bun"))
_JOINED = frozenset("0123456789:[")
_TLS = ("--https", "--ssl", "--experimental-https", "--certfile", "--ssl-keyfile", "--cert")
_GENERIC = Program(speaks=None)
_CLIENT = Program((), speaks=None)
_WAITERS = frozenset(("wait-on", "wait-for-it", "wait-for", "dockerize"))


def ports_in_command(text: str, *, usual: bool = False) -> list[CommandPort]:
    """The ports of a shell text of one line or several, in their order.

    Args:
        text: the commands.
        usual: tell of the numbers too that a program takes where it is told none (`next dev`);
            their role is `mention`, and their place the program's word.
    """
    if _DIGIT.search(text) is None and not (usual and _has_usual().search(text)):
        return []
    walk = _Walk(usual=usual)
    walk.commands(commands_of(text), 0)
    return walk.ordered()


@cache
def _has_usual() -> re.Pattern[str]:
    """A word of a program that takes a number unasked; most texts have none."""
    words = (re.escape(name) for name, program in PROGRAMS.items() if program.usual)
    return re.compile(rf"\b(?:{'|'.join(words)})\b")


def ports_in_words(words: Sequence[Word]) -> list[CommandPort]:
    """The ports of one command whose words are known (`["gunicorn", "-b", ":8000"]`).

    The offsets of the answer are what the words' `at` says (see `command_words.plain_word`).
    """
    walk = _Walk()
    walk.commands([Command(tuple(words), beside=False)], 0)
    return walk.ordered()


class _Walk:
    def __init__(self, *, usual: bool = False) -> None:
        self.usual = usual
        self.found: list[CommandPort] = []
        self.part = 0

    def ordered(self) -> list[CommandPort]:
        """What was found, each place once."""
        found: dict[tuple[int, str, int], CommandPort] = {}
        for port in self.found:
            found.setdefault((port.offset, port.role, port.first), port)
        return [found[key] for key in sorted(found)]

    def commands(self, commands: list[Command], depth: int, *, together: bool = False) -> None:
        before = False
        for command in commands:
            self.part += 1
            part, start = self.part, len(self.found)
            self.words(command.words, depth)
            beside = together or before or command.beside
            self.found[start:] = [
                port if port.part else port._replace(part=part, together=beside)
                for port in self.found[start:]
            ]
            before = command.beside

    def texts(self, words: Sequence[Word], depth: int, *, together: bool = False) -> None:
        """Words that are command lines themselves."""
        for word in words:
            if depth < MOST_DEPTH and (self.usual or _DIGIT.search(word.text)):
                self.commands(commands_of(word.text, word.at), depth + 1, together=together)

    def words(self, words: Sequence[Word], depth: int) -> None:
        """One command: its variables, then its program."""
        variables, rest, elsewhere = self.unwrap(words)
        program = program_of(rest[0].text) if rest else None
        if rest and program is not None:
            self.program(program, rest, depth)
        self.variables(variables, None if elsewhere else program)

    def unwrap(self, words: Sequence[Word]) -> tuple[list[tuple[str, Word]], Sequence[Word], bool]:
        """The variables that are set, and the words from the program's own on."""
        variables: list[tuple[str, Word]] = []
        at = 0
        while at < len(words):
            text = words[at].text
            set_here = _ASSIGNMENT.match(text)
            if set_here is not None:
                variables.append((set_here[1], words[at].cut(set_here.end())))
                at += 1
                continue
            name = program_of(text)
            if text in _KEYWORDS:
                at += 1
            elif name in WRAPPERS:
                after = _behind(words, at, name)
                if after is None:
                    break
                at = after
            elif name == "export":
                # What is set stands behind it, and no program follows.
                at += 1
                exported = [_ASSIGNMENT.match(word.text) for word in words[at:]]
                variables += [
                    (found[1], word.cut(found.end()))
                    for word, found in zip(words[at:], exported, strict=True)
                    if found is not None
                ]
                return variables, (), True
            elif name in _SCRIPTS:
                return variables, _of_script(words[at:], name), False
            else:
                break
        return variables, words[at:], False

    def variables(self, variables: list[tuple[str, Word]], program: str | None) -> None:
        for name, value in variables:
            if name == "NODE_OPTIONS":
                from portbook.lint.command_tools import inspector

                self.found += inspector(commands_of(value.text, value.at), "node")
            elif name == "ASPNETCORE_URLS":
                for part in _pieces(value, ";"):
                    self.add(bound(part, "listen"), "dotnet", "http")
            elif _PORT_NAME.fullmatch(name):
                listens = name == "PORT" and (program in READS_PORT or program in PROGRAMS)
                role = "listen" if listens else "setting"
                self.add(number(value, role), program if listens else None, None)
            else:
                self.found += local_ports(value)

    def program(self, name: str, words: Sequence[Word], depth: int) -> None:
        from portbook.lint.command_tools import TOOLS

        if name in _SHELLS:
            for at, word in enumerate(words[1:-1], 1):
                if word.text.startswith("-") and word.text.endswith("c"):
                    self.texts(words[at + 1 : at + 2], depth)
                    return
            # A script of the project: its name is the program.
            scripts = [word for word in words[1:] if not word.text.startswith("-")]
            if scripts:
                self.options(program_of(scripts[0].text) or name, words, _GENERIC)
        elif name in _MANY:
            self.texts([word for word in words[1:] if " " in word.text], depth, together=True)
        elif name in _TESTERS:
            self.texts([word for word in words[1:] if " " in word.text], depth, together=True)
            for word in words[1:]:
                if " " not in word.text:
                    self.found += local_ports(word, bare=True)
                    self.add(number(word, "client"), None, None)
        elif name == "nodemon":
            self.nodemon(words, depth)
        elif name in ("python", "pypy", "py"):
            self.python(words, depth)
        elif name in ("manage", "django-admin"):
            self.django(words)
        elif name == "php" and any(word.text.endswith("artisan") for word in words):
            self.options("artisan", words, PROGRAMS["artisan"])
        elif name in TOOLS:
            self.found += TOOLS[name](words)
            dashes = [at for at, word in enumerate(words) if word.text == "--"]
            if name in _WAITERS and dashes and depth < MOST_DEPTH:
                # `wait-for-it db:5432 -- gunicorn ...` goes on with what was waited for.
                self.commands([Command(tuple(words[dashes[0] + 1 :]), beside=False)], depth + 1)
        elif name not in NOT_LISTENING:
            known = PROGRAMS.get(name)
            self.options(name, words, known or _GENERIC)

    def nodemon(self, words: Sequence[Word], depth: int) -> None:
        from portbook.lint.command_tools import TOOLS

        for at, word in enumerate(words[1:], 1):
            if word.text in ("--exec", "-x"):
                self.texts(words[at + 1 : at + 2], depth)
                return
        self.found += TOOLS["node"](words)

    def python(self, words: Sequence[Word], depth: int) -> None:
        at = 1
        while at < len(words) and words[at].text.startswith("-"):
            if words[at].text == "-m":
                rest = words[at + 1 :]
                if rest and rest[0].text == "debugpy":
                    self.options("debugpy", rest, PROGRAMS["debugpy"])
                    # What is debugged stands behind its options, and is read like this command.
                    after = _behind_options(rest, 1, ("--listen", "--log-to", "--connect"))
                    if depth < MOST_DEPTH:
                        self.python((words[0], *rest[after:]), depth + 1)
                elif rest:
                    self.words(rest, depth)
                return
            at += 2 if words[at].text in ("-X", "-W") else 1
        if at < len(words):
            self.words(words[at:], depth)

    def django(self, words: Sequence[Word]) -> None:
        for at, word in enumerate(words):
            if word.text in ("runserver", "runserver_plus", "testserver"):
                self.options("django", words[at:], PROGRAMS[word.text])
                return

    def options(self, name: str, words: Sequence[Word], program: Program) -> None:
        """The ports of a program of the table."""
        if program.under and not any(word.text in program.under for word in words[1:]):
            program = _CLIENT
        role, host, speaks = program.role, None, program.speaks
        values = list(_values(words, program))
        for kind, value in values:
            if kind == "host":
                host = "0.0.0.0" if value is None or not value.text else value.text
        if speaks == "http" and any(word.text.split("=")[0] in _TLS for word in words):
            speaks = "https"
        elsewhere = role == "client" and host not in (None, "localhost", "127.0.0.1", "::1")
        found: list[CommandPort | None] = []
        for kind, value in values:
            if value is None or elsewhere:
                continue
            if kind == "port":
                found.append(_at_host(number(value, role), host))
            elif kind == "bind":
                found += [bound(part, role) for part in _pieces(value, ",")]
            elif kind == "bare" and program.bare == "port":
                found.append(_at_host(number(value, role), host))
            elif kind == "bare" and program.bare == "bind":
                found.append(bound(value, role))
        for port in found:
            self.add(port, name, speaks)
        if self.usual and all(kind in ("host", "bare") for kind, _ in values) and not any(found):
            self.found += _usual(words[0], program)
        taken = {port.offset for port in found if port is not None}
        for word in words[1:]:
            for port in local_ports(word, bare=role == "client"):
                if port.offset not in taken:
                    self.found.append(port._replace(program=name))

    def add(self, port: CommandPort | None, program: str | None, speaks: str | None) -> None:
        if port is not None:
            self.found.append(port._replace(program=program, speaks=port.speaks or speaks))


@lru_cache(4096)
def program_of(text: str) -> str | None:
    """A program's word without folder, suffix and version; None where it is no such word."""
    name = text.replace("\\", "/").rstrip("/").rpartition("/")[2]
    # `serve@14`, as npx takes it.
    name = name[:1] + name[1:].partition("@")[0]
    if not name or name.startswith("-"):
        return None
    name = _SUFFIX.sub("", name)
    if name in PROGRAMS or name in WRAPPERS or name == "[":
        return name
    return _VERSION.sub("", name) or name


def _usual(word: Word, program: Program) -> Iterator[CommandPort]:
    at = word.at
    if at and at[0] >= 0 and at[-1] - at[0] == len(at) - 1:
        for port in program.usual:
            yield CommandPort(at[0], len(at), port, port, "mention", program=program_of(word.text))


def _at_host(port: CommandPort | None, host: str | None) -> CommandPort | None:
    return port if port is None or host is None else port._replace(address=host)


def _pieces(value: Word, separator: str) -> Iterator[Word]:
    start = 0
    for part in value.text.split(separator):
        yield value.cut(start, start + len(part))
        start += len(part) + len(separator)


def _behind(words: Sequence[Word], at: int, name: str) -> int | None:
    """Where the program begins that a wrapper starts; None where it starts none."""
    options, skipped = WRAPPERS[name]
    at = _behind_options(words, at + 1, options)
    through = THROUGH.get(name)
    if through is not None:
        if at >= len(words) or words[at].text != through:
            return None
        at = _behind_options(words, at + 1, options)
    return at + skipped


def _behind_options(words: Sequence[Word], at: int, with_value: Sequence[str]) -> int:
    while at < len(words) and words[at].text.startswith("-"):
        if words[at].text == "--":
            return at + 1
        at += 2 if words[at].text in with_value else 1
    return at


def _of_script(words: Sequence[Word], name: str) -> Sequence[Word]:
    """The command of `npm run x -- ...`, `yarn vite ...`; the manager's own word where unknown."""
    at = _behind_options(words, 1, ("-C", "--prefix", "--cwd", "--dir", "-F", "--filter", "-w"))
    if at >= len(words):
        return words
    if words[at].text in ("exec", "dlx", "x") or (
        words[at].text in PROGRAMS and words[at].text not in ("serve", "storybook", "expo")
    ):
        at += words[at].text in ("exec", "dlx", "x")
        at = _behind_options(words, at, ("-p", "--package", "-c"))
        return words[at:]
    return words


def _values(words: Sequence[Word], program: Program) -> Iterator[tuple[str, Word | None]]:
    """(kind, value) of every option that counts, and of the words without an option."""
    kinds: list[tuple[str, tuple[str, ...]]] = [
        ("port", program.port),
        ("bind", program.bind),
        ("host", program.host),
    ]
    at = 1
    while at < len(words):
        word = words[at]
        at += 1
        if not word.text.startswith("-"):
            yield "bare", word
            continue
        for kind, options in kinds:
            value, took = _value(words, at - 1, options)
            if took:
                at += took - 1
                yield kind, value
                break


def _value(words: Sequence[Word], at: int, options: tuple[str, ...]) -> tuple[Word | None, int]:
    """The value of an option, and how many words it takes; 0 for none of these options."""
    word = words[at]
    for option in options:
        if word.text == option:
            after = words[at + 1] if at + 1 < len(words) else None
            if after is None or after.text.startswith("-"):
                return None, 1
            return after, 2
        if word.text.startswith(option + "="):
            return word.cut(len(option) + 1), 1
        if len(option) == 2 and word.text.startswith(option) and word.text[2:3] in _JOINED:
            return word.cut(2), 1
    return None, 0
