"""Files of variables, `.env` and its like: `export NAME="value" # comment`, values over lines."""

import re

from portbook.lint.endpoint import in_list, in_urls
from portbook.lint.interpolation import MOST_TEXT, part, scheme_of
from portbook.lint.parts import EnvFile, Variable, Written
from portbook.lint.reading import Fault, Reading
from portbook.lint.source import Source, Unreadable
from portbook.model.declared import Declared

FORM = "dotenv"

_ASSIGNMENT = re.compile(
    r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.\-]*)(?:[ \t]*=[ \t]*|(?=[ \t]*\r?$))",
    re.MULTILINE,
)
_NOTHING = re.compile(r"[ \t\r]*(?:#.*)?")
_QUOTED = {
    '"': re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL),
    "'": re.compile(r"'([^']*+)'"),
}
_COMMENT = re.compile(r"(?:^|[ \t])#")
_MOST_VARIABLES = 20_000

_PORT_NAME = re.compile(
    # PORT_COUNT and the like say how many and how long, not which.
    r"(?:[A-Z0-9_.]*_)?PORT"
    r"|PORT_(?!COUNT|TIMEOUT|OFFSET|RANGE|STEP|MAX|MIN|WAIT|RETR|DELAY|ENABLE|FORWARD|SCAN)[A-Z0-9_]+",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"[0-9]{1,7}")
_ADDRESS_NAME = re.compile(
    r".*_(?:ADDR|ADDRESS|HOST|HOSTS|SERVERS?|BROKERS?|ENDPOINTS?|UR[LI]S?|NODES)", re.IGNORECASE
)
_EVERYWHERE = ("0.0.0.0", "::", "+", "*")


def read(source: Source) -> Reading:
    """The variables of a file, and the ports that their names and values show."""
    text = source.text
    variables: list[Variable] = []
    wrong: list[int] = []
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        found = _ASSIGNMENT.match(text, at, end)
        if found is None:
            if not _NOTHING.fullmatch(text, at, end):
                wrong.append(source.place(at, 1).line)
        elif "=" not in found[0]:
            variables.append(Variable(found[1], None))
        else:
            value, end = _value(source, found.end(), end)
            if value is None:
                wrong.append(source.place(at, 1).line)
            else:
                variables.append(Variable(found[1], value))
        if len(variables) > _MOST_VARIABLES:
            raise Unreadable(f"more than {_MOST_VARIABLES} variables", source.place(at, 1).line)
        at = end + 1
    faults: tuple[Fault, ...] = ()
    if wrong:
        more = f", and in {len(wrong) - 1} more lines" if len(wrong) > 1 else ""
        faults = (Fault(wrong[0], f"no NAME=value{more}"),)
    declared = tuple(each for variable in variables for each in declared_by(variable, FORM))
    return Reading(declared, (EnvFile(tuple(variables)),), faults)


def _value(source: Source, start: int, end: int) -> tuple[Written | None, int]:
    """The value from `start` on in a line until `end`, and where its last line ends."""
    text = source.text
    quote = text[start : start + 1]
    if quote in _QUOTED and start < end:
        found = _QUOTED[quote].match(text, start)
        if found is None:
            return None, end
        last = text.find("\n", found.end())
        return _quoted(source, found, quote), len(text) if last < 0 else last
    value = text[start:end]
    if "#" in value and (comment := _COMMENT.search(value)):
        value = value[: comment.start()]
    value = value.rstrip()
    return Written(value, source.place(start, max(1, len(value)))), end


def _quoted(source: Source, found: "re.Match[str]", quote: str) -> Written:
    value = found[1]
    place = source.place(found.start(1), max(1, len(value.partition("\n")[0])))
    if quote == "'" and "$" in value:
        # Nothing is put into single quotes: the dollar is one.
        return Written(value.replace("$", "$$"), place, raw=False)
    if quote == '"' and "\\" in value:
        return Written(re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL), place, raw=False)
    return Written(value, place)


def is_port_name(name: str) -> bool:
    """Whether a variable of this name has a port for its value."""
    return _PORT_NAME.fullmatch(name) is not None


def declared_by(
    variable: Variable, form: str, *, who: str | None = None, profiles: tuple[str, ...] = ()
) -> list[Declared]:
    """What a variable says of ports: a number by its name, or the addresses in its value.

    Args:
        variable: as written; one with other variables in it says only what stands there plainly.
        form: the reader's name.
        who: what the declarations are called, the variable's name by default.
        profiles: those of the service that has it.
    """
    value = variable.value
    if value is None or not value.raw or not value.text:
        return []
    name = who or variable.name
    if is_port_name(variable.name) and _DIGITS.fullmatch(value.text):
        port = int(value.text)
        if port == 0:
            return []
        return [Declared(value.place, port, port, "setting", name, form, profiles=profiles)]
    if ":" not in value.text or len(value.text) > MOST_TEXT:
        return []
    found = []
    is_list = "//" not in value.text and _ADDRESS_NAME.fullmatch(variable.name)
    for each in in_list(value.text) if is_list else in_urls(value.text):
        behind = each.start + each.length
        # The default of a variable that may have another value.
        if each.first == 0 or not each.host or value.text[behind : behind + 1] == "}":
            continue
        here = part(value, each.start, each.start + each.length)
        role = "setting" if each.host in _EVERYWHERE else "client"
        scheme = scheme_of(value.text, each.start)
        found.append(
            Declared(
                here.place,
                each.first,
                each.last,
                role,
                name,
                form,
                address=each.host,
                speaks=scheme if scheme in ("http", "https") else None,
                profiles=profiles,
            )
        )
    return found
