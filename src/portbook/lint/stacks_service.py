"""One service of a compose project: variables put in, its Dockerfile and env files asked."""

import posixpath
from collections.abc import Mapping

from portbook.lint.container_command import in_service
from portbook.lint.endpoint import in_urls
from portbook.lint.images import Image, image_name, image_of
from portbook.lint.interpolation import MOST_TEXT, UNKNOWN, Value, fill, scheme_of, value_of, within
from portbook.lint.parts import ComposeService, ImageFile, Variable, Written
from portbook.lint.port_variables import told_ports
from portbook.lint.project import StackService
from portbook.lint.readers.dotenv import declared_by
from portbook.lint.source import Unreadable
from portbook.lint.stacks_merge import Files
from portbook.lint.stacks_ports import Owner, Pair, exposed, pair_of
from portbook.model.declared import Declared
from portbook.model.record import Record

_LOCAL = ("localhost", "127.0.0.1", "::1", "0.0.0.0")


class Made(Record):
    """A service and every declaration that it makes."""

    service: StackService
    declared: tuple[Declared, ...]


def make(service: ComposeService, values: Mapping[str, Value], files: Files) -> Made:
    """A service as a stack has it.

    Args:
        service: extended and merged.
        values: the variables of its project.
        files: where its Dockerfile and env files are.
    """
    image = _image(service, values)
    folder = _folder(service, values)
    image_file, built = _built(service, values, files, folder)
    base = built.base if built is not None else None
    known = image_of(base or "") if folder is not None else image_of(image or "")
    network = _text(service.network_mode, values)
    profiles = tuple(dict.fromkeys(filter(None, (_text(p, values) for p in service.profiles))))
    home = posixpath.dirname(service.place.path)
    runs = f"folder:{folder}" if folder is not None else None
    if runs is None and image is not None:
        runs = f"service:{home}#{service.name}"
    product = image_name(image) if image and folder is None else None
    speaks = known.speaks_on if known is not None else _unknown
    owner = Owner(service.name, product, runs, profiles, speaks)
    pairs = _pairs(service, values, files, owner)
    variables = _variables(service, values, files)
    exposes = _exposes(service, values, files, owner)
    asked = _health(service, owner)
    told, main = _commanded(service, built, owner, network)
    listens = [*asked, *(built.listens if built is not None else ()), *told]
    declared = [side for pair in pairs for side in (pair.outer, pair.inner) if side is not None]
    declared += [*exposes, *asked]
    # The Dockerfile declares what stands there.
    declared += told if service.command is not None else []
    own = _written_here(variables, service)
    if network == "host":
        # What is published is of no effect there; what the program is told to listen on is.
        given = _listens(variables, known if folder is None else None, owner)
        # What the command says goes before what a variable says of the same number.
        said = {each.first for each in told}
        listens += [each for each in given if each.first not in said]
        declared = [each for each in declared if each.role != "publish"] + given
        places = {each.place for each in given}
        own = [each for each in own if each.value is None or each.value.place not in places]
        pairs = [pair._replace(outer=None) for pair in pairs]
    for variable in own:
        who = f"{service.name} {variable.name}"
        declared += declared_by(variable, "compose", who=who, profiles=profiles)
    # A build argument may replace the default that an EXPOSE takes.
    sure = built is not None and not (service.args and any(not e.written for e in built.exposes))
    commands = (service.command,) if service.command is not None else ()
    paired = [pair for pair in pairs if pair.inner is not None]
    made = StackService(
        service.name,
        service.place,
        image,
        folder,
        image_file,
        tuple(pair.outer for pair in paired),
        tuple(pair.inner for pair in paired if pair.inner is not None),
        tuple(exposes),
        tuple(listens),
        tuple(variables),
        profiles,
        network,
        unpaired=tuple(p.outer for p in pairs if p.inner is None and p.outer is not None),
        whole=all(pair.whole for pair in pairs),
        image_exposes=built.exposes if built is not None and sure else (),
        image_variables=built.variables if built is not None else (),
        base=base,
        commands=commands or (built.commands if built is not None else ()),
        own_command=bool(commands),
        told=tuple(main),
        asked=tuple(asked),
        host_mode=tuple(p.outer.place for p in pairs if p.host_mode and p.outer is not None),
        replicas=_replicas(service, values),
    )
    return Made(made, tuple(declared))


def _text(written: Written | None, values: Mapping[str, Value]) -> str | None:
    """A text with its variables put in; None where one has no value."""
    if written is None:
        return None
    text = fill(written, values).text
    return None if UNKNOWN in text or not text else text


def _image(service: ComposeService, values: Mapping[str, Value]) -> str | None:
    if service.image is None:
        return None
    text = fill(service.image, values).text
    # A tag that is not known changes nothing: postgres:${VERSION}.
    name = image_name(text)
    return None if UNKNOWN in name or not name else text.replace(UNKNOWN, "")


def _folder(service: ComposeService, values: Mapping[str, Value]) -> str | None:
    """The build context relative to the project, None where it is elsewhere."""
    text = _text(service.context, values)
    if text is None or service.context is None or ":" in text or text.startswith(("/", "~")):
        return None
    here = posixpath.dirname(service.context.place.path)
    found = posixpath.normpath(posixpath.join(here, text))
    if found == ".." or found.startswith("../"):
        return None
    return "" if found == "." else found


def _built(
    service: ComposeService, values: Mapping[str, Value], files: Files, folder: str | None
) -> tuple[str | None, ImageFile | None]:
    if folder is None:
        return None, None
    stage = _text(service.target, values)
    if service.target is not None and stage is None:
        return None, None
    name = _text(service.dockerfile, values) if service.dockerfile is not None else None
    if service.dockerfile is not None and name is None:
        return None, None
    for each in (name,) if name else ("Dockerfile", "Containerfile"):
        path = posixpath.normpath(posixpath.join(folder, each))
        found = files.image(path, stage)
        if found is not None:
            return path, found
    return None, None


def _unknown(port: int) -> str | None:
    """What a port of an image speaks that nothing is known of."""
    return None


def _pairs(
    service: ComposeService, values: Mapping[str, Value], files: Files, owner: Owner
) -> list[Pair]:
    found = []
    for port in service.ports:
        files.spend(1)
        try:
            found.append(pair_of(port, values, owner))
        except Unreadable as fault:
            written = port.short or port.target or port.published
            path = written.place.path if written is not None else service.place.path
            files.fault(path, fault.line, str(fault))
            found.append(Pair(None, None, whole=False))
    return found


def _exposes(
    service: ComposeService, values: Mapping[str, Value], files: Files, owner: Owner
) -> list[Declared]:
    found = []
    for written in service.expose:
        files.spend(1)
        try:
            one = exposed(written, values, owner)
        except Unreadable as fault:
            files.fault(written.place.path, fault.line, str(fault))
            continue
        if one is not None:
            found.append(one)
    return found


def _variables(
    service: ComposeService, values: Mapping[str, Value], files: Files
) -> list[Variable]:
    """Its environment, over its env files, with variables put in."""
    found: dict[str, Variable] = {}
    for written in service.env_files:
        text = _text(written, values)
        if text is None:
            continue
        here = posixpath.dirname(written.place.path)
        env = files.env(posixpath.normpath(posixpath.join(here, text)))
        if env is None:
            continue
        files.spend(len(env.variables))
        before = dict(values)
        for each in env.variables:
            if each.value is not None:
                found[each.name] = Variable(each.name, _settled(each.value, before))
                before[each.name] = value_of(each.value, before)
    for each in service.environment:
        files.spend(1)
        if each.value is not None:
            found[each.name] = Variable(each.name, _settled(each.value, values))
        elif (value := values.get(each.name)) is not None and value.place is not None:
            found[each.name] = Variable(each.name, Written(value.text, value.place))
        else:
            found.setdefault(each.name, each)
    return list(found.values())


def _settled(written: Written, values: Mapping[str, Value]) -> Written:
    """A text with its variables put in; those without a value stay as they are written."""
    if "$" not in written.text:
        return written
    filled = fill(written, values)
    if filled.text and UNKNOWN not in filled.text:
        span = filled.span(0, len(filled.text))
        if span.written:
            return Written(filled.text, span.place)
    source = written.text
    parts = [
        piece.text if UNKNOWN not in piece.text else source[piece.start :][: piece.length]
        for piece in filled.pieces
    ]
    text = "".join(parts)
    return Written(text, written.place, written.raw and text == source)


def _written_here(variables: list[Variable], service: ComposeService) -> list[Variable]:
    """The variables whose value stands in a compose file: env files tell their own."""
    here = {
        (each.name, each.value.place.path) for each in service.environment if each.value is not None
    }
    return [
        each
        for each in variables
        if each.value is not None and (each.name, each.value.place.path) in here
    ]


def _health(service: ComposeService, owner: Owner) -> list[Declared]:
    """What its health check asks of the container itself."""
    written = service.health
    if written is None or len(written.text) > MOST_TEXT:
        return []
    found = []
    for each in in_urls(written.text):
        behind = each.start + each.length
        if each.host not in _LOCAL or not each.first or written.text[behind : behind + 1] == "}":
            continue
        scheme = scheme_of(written.text, each.start)
        speaks = scheme if scheme in ("http", "https") else None
        found.append(
            Declared(
                within(written, each.start, each.length),
                each.first,
                each.last,
                "container",
                owner.who,
                "compose",
                speaks=speaks,
                product=owner.product,
                runs=owner.runs,
                profiles=owner.profiles,
            )
        )
    return found


def _commanded(
    service: ComposeService, built: ImageFile | None, owner: Owner, network: str | None
) -> tuple[list[Declared], list[Declared]]:
    """What its command tells its program to listen on, and those of it that are sure."""
    role = "listen" if network == "host" else "container"
    found, main = [], []
    if service.command is None:
        asked = {each.place for each in built.asked} if built is not None else set()
        sure = {each.place for each in built.told} if built is not None else set()
        for each in built.listens if built is not None else ():
            if each.place not in asked:
                one = each._replace(role=role, who=owner.who, profiles=owner.profiles)
                found.append(one)
                if each.place in sure:
                    main.append(one)
        return found, main
    for told, place in in_service(service.command, service.words):
        port = told.port
        one = Declared(
            place,
            port.first,
            port.last,
            role,
            owner.who,
            "compose",
            transport=port.transport,
            address=port.address if role == "listen" else None,
            speaks=port.speaks,
            product=owner.product or port.program,
            runs=owner.runs,
            profiles=owner.profiles,
            written=place.length == port.length,
        )
        found.append(one)
        if told.main:
            main.append(one)
    return found, main


def _listens(variables: list[Variable], image: Image | None, owner: Owner) -> list[Declared]:
    return [
        Declared(
            told.place,
            told.port,
            told.port,
            "listen",
            owner.who,
            "compose",
            product=owner.product,
            runs=owner.runs,
            profiles=owner.profiles,
            written=told.place.length == len(str(told.port)),
        )
        for told in told_ports(variables, image)
    ]


def _replicas(service: ComposeService, values: Mapping[str, Value]) -> int:
    text = _text(service.replicas, values)
    return int(text) if text is not None and text.isdecimal() and len(text) < 6 else 1
