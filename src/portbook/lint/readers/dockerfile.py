"""Dockerfiles and Containerfiles: EXPOSE, ENV and ARG, stages, health checks."""

import re
from collections.abc import Iterator

from portbook.lint.container_command import in_image
from portbook.lint.dockerfile_lines import Instruction, Word, instructions
from portbook.lint.endpoint import in_urls
from portbook.lint.images import image_name, image_of
from portbook.lint.interpolation import UNKNOWN, Value, fill, scheme_of, value_of
from portbook.lint.parts import ImageFile, Variable, Written
from portbook.lint.reading import Fault, Reading
from portbook.lint.source import Source, Unreadable
from portbook.model.declared import Declared, Place

FORM = "dockerfile"

_FROM = re.compile(r"^[ \t]*FROM[ \t\\]", re.IGNORECASE | re.MULTILINE)
_KEYWORDS = re.compile(
    "ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL"
    "|STOPSIGNAL|USER|VOLUME|WORKDIR"
)
_EXPOSED = re.compile(r"([0-9]{1,7})(?:-([0-9]{1,7}))?(?:/(tcp|udp|sctp))?", re.IGNORECASE)
_LOCAL = ("localhost", "127.0.0.1", "::1", "0.0.0.0")
_MOST_STAGES = 100
_MOST_ENTRIES = 5000


def wants(source: Source) -> bool:
    """Whether it builds an image; `Dockerfile.dockerignore` and the like do not."""
    return _FROM.search(source.text) is not None


def read(source: Source) -> Reading:
    """The ports of a Dockerfile, and one part for each stage that can be built, the last first.

    Raises:
        Unreadable: it has no FROM, or a hundred stages.
    """
    reader = _Reader(source)
    for each in instructions(source):
        reader.take(each)
    for stage in reader.stages:
        reader.command(stage)
    if not reader.stages:
        raise Unreadable("it has no FROM")
    names = tuple(stage.name or "" for stage in reader.stages)
    *others, last = reader.stages
    parts = [last.part(names, None)]
    parts += [stage.part(names, stage.name) for stage in others if stage.name]
    return Reading(tuple(reader.declared), tuple(parts), tuple(reader.faults))


class _Stage:
    """What one FROM and the instructions below it make."""

    def __init__(self, name: str | None, base: str | None, below: "_Stage | None") -> None:
        self.name = name
        self.base = base
        self.values: dict[str, Value] = dict(below.values) if below else {}
        self.variables: dict[str, Variable] = dict(below.variables) if below else {}
        self.exposes: list[Declared] = list(below.exposes) if below else []
        self.asked: list[Declared] = list(below.asked) if below else []
        self.told: list[Declared] = []
        self.main: list[Declared] = []
        self.commands: dict[str, Instruction] = dict(below.commands) if below else {}
        self.user: str | None = below.user if below else None

    def part(self, names: tuple[str, ...], name: str | None) -> ImageFile:
        return ImageFile(
            tuple(self.exposes),
            tuple(self.variables.values()),
            (*self.asked, *self.told),
            self.base,
            self.user,
            names,
            name,
            tuple(each.written(0, len(each.text)) for each in self.commands.values()),
            tuple(self.main),
            tuple(self.asked),
        )


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.stages: list[_Stage] = []
        self.declared: list[Declared] = []
        self.faults: list[Fault] = []
        self.globals: dict[str, Value] = {}
        self.entries = 0
        self.commanded: set[Place] = set()

    def take(self, each: Instruction) -> None:
        if each.keyword == "FROM":
            self.start(each)
        elif not _KEYWORDS.fullmatch(each.keyword):
            # A template has many of them; one is enough to say that it is one.
            if not any("instruction" in fault.why for fault in self.faults):
                self.fault(each, f"{each.keyword[:20]} is no instruction of a Dockerfile")
        elif each.keyword == "ARG":
            self.arguments(each)
        elif self.stages:
            stage = self.stages[-1]
            if each.keyword == "ENV":
                self.environment(each, stage)
            elif each.keyword == "EXPOSE":
                self.expose(each, stage)
            elif each.keyword == "HEALTHCHECK":
                stage.asked = list(self.health(each, stage))
                self.declared += stage.asked
            elif each.keyword == "USER":
                user = fill(each.written(0, len(each.text)), stage.values).text
                stage.user = None if UNKNOWN in user or not user else user
            elif each.keyword in ("CMD", "ENTRYPOINT"):
                if each.keyword == "ENTRYPOINT":
                    # It takes the CMD of the image below away.
                    stage.commands.pop("CMD", None)
                stage.commands[each.keyword] = each

    def start(self, each: Instruction) -> None:
        words = [word for word in each.words() if not word.text.startswith("--")]
        if not words:
            self.fault(each, "FROM without an image")
            return
        if len(self.stages) >= _MOST_STAGES:
            raise Unreadable(f"more than {_MOST_STAGES} stages", each.line)
        name = words[2].text if len(words) > 2 and words[1].text.upper() == "AS" else None
        first = words[0]
        text = fill(each.written(first.start, first.start + len(first.text)), self.globals).text
        text = text.strip("\"'")
        below = None
        for stage in self.stages:
            if stage.name is not None and stage.name.lower() == text.lower():
                below = stage
        base = below.base if below else text
        if base is not None and (UNKNOWN in image_name(base) or base.lower() == "scratch"):
            base = None
        self.stages.append(_Stage(name, base.replace(UNKNOWN, "") if base else None, below))

    def arguments(self, each: Instruction) -> None:
        values = self.stages[-1].values if self.stages else self.globals
        for word in each.words():
            name, equals, _ = word.text.partition("=")
            self.spend(each)
            if not equals:
                if self.stages and name in self.globals and name not in self.stages[-1].variables:
                    values[name] = self.globals[name]
            # ENV goes before ARG of the same name.
            elif not self.stages or name not in self.stages[-1].variables:
                values[name] = value_of(_value(each, word, len(name) + 1), values)

    def environment(self, each: Instruction, stage: _Stage) -> None:
        words = each.words()
        if words and "=" not in words[0].text:
            start = words[1].start if len(words) > 1 else len(each.text)
            value = each.written(start, len(each.text))
            self.set(each, stage, words[0].text, value)
            return
        before = dict(stage.values)
        for word in words:
            name, equals, _ = word.text.partition("=")
            if equals:
                self.set(each, stage, name, _value(each, word, len(name) + 1), before)

    def set(
        self,
        each: Instruction,
        stage: _Stage,
        name: str,
        value: Written,
        values: dict[str, Value] | None = None,
    ) -> None:
        self.spend(each)
        known = value_of(value, stage.values if values is None else values)
        stage.values[name] = known
        if UNKNOWN not in known.text:
            place = known.place or value.place
            plain = known.place is not None
            stage.variables[name] = Variable(name, Written(known.text, place, plain))

    def spend(self, each: Instruction) -> None:
        self.entries += 1
        if self.entries > _MOST_ENTRIES:
            raise Unreadable(f"more than {_MOST_ENTRIES} variables", each.line)

    def who(self, stage: _Stage) -> str:
        return stage.name or self.source.folder.rpartition("/")[2] or "image"

    def port(
        self,
        stage: _Stage,
        first: int,
        last: int,
        transport: str = "tcp",
        *,
        speaks: str | None = None,
    ) -> Declared:
        """A port without its place."""
        image = image_of(stage.base or "")
        known = image is not None and image.kind != "runtime"
        return Declared(
            self.source.place(0, 1),
            first,
            last,
            "container",
            self.who(stage),
            FORM,
            transport=transport,
            speaks=speaks or (image.speaks_on(first) if image is not None else None),
            product=image_name(stage.base or "") if known else None,
            runs=f"folder:{self.source.folder}",
        )

    def expose(self, each: Instruction, stage: _Stage) -> None:
        for word in each.words():
            self.spend(each)
            filled = fill(each.written(word.start, word.start + len(word.text)), stage.values)
            for found in re.finditer(r"\S+", filled.text):
                bare = found[0].strip("\"'")
                if UNKNOWN in bare or not bare:
                    continue
                port = _EXPOSED.fullmatch(bare)
                if port is None:
                    self.fault(each, f"EXPOSE {bare[:30]} is no port")
                    return
                start = found.start() + found[0].index(bare)
                digits = port[1] if port[2] is None else f"{port[1]}-{port[2]}"
                span = filled.span(start, start + len(digits))
                if not int(port[1]):
                    continue
                transport = (port[3] or "tcp").lower()
                one = self.port(stage, int(port[1]), int(port[2] or port[1]), transport)
                one = one._replace(place=span.place, written=span.written, sources=span.sources)
                stage.exposes.append(one)
                self.declared.append(one)

    def health(self, each: Instruction, stage: _Stage) -> Iterator[Declared]:
        for found in in_urls(each.text):
            behind = each.text[found.start + found.length :][:1]
            if found.host not in _LOCAL or not found.first or behind == "}":
                continue
            self.spend(each)
            scheme = scheme_of(each.text, found.start)
            speaks = scheme if scheme in ("http", "https") else None
            one = self.port(stage, found.first, found.last, speaks=speaks)
            yield one._replace(place=each.place(found.start, found.length))

    def command(self, stage: _Stage) -> None:
        """What the CMD and ENTRYPOINT that count in the end tell the program."""
        found = {name: each.text for name, each in stage.commands.items()}
        for keyword, told in in_image(found.get("ENTRYPOINT"), found.get("CMD")):
            each, port = stage.commands[keyword], told.port
            if not each.written(port.offset, port.offset + port.length).raw:
                continue
            one = self.port(stage, port.first, port.last, port.transport, speaks=port.speaks)
            one = one._replace(place=each.place(port.offset, port.length))
            stage.told.append(one)
            if told.main:
                stage.main.append(one)
            # A stage that is made from this one has the same command.
            if one.place not in self.commanded:
                self.commanded.add(one.place)
                self.declared.append(one)

    def fault(self, each: Instruction, why: str) -> None:
        if len(self.faults) < 20:
            self.faults.append(Fault(each.line, why))


def _value(each: Instruction, word: Word, skip: int) -> Written:
    """The value behind `NAME=`, without its quotes."""
    start, end = word.start + skip, word.start + len(word.text)
    text = each.text[start:end]
    if len(text) >= 2 and text[0] in "\"'" and text[-1] == text[0]:
        inner = each.written(start + 1, end - 1)
        if text[0] == "'" and "$" in text:
            return inner._replace(text=inner.text.replace("$", "$$"), raw=False)
        return inner._replace(raw=inner.raw and "\\" not in text)
    value = each.written(start, end)
    plain = not any(char in text for char in "\"'\\")
    return value._replace(raw=value.raw and plain)
