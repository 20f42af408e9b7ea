"""devcontainer.json: the ports that an editor forwards out of the container, or publishes."""

from collections.abc import Iterator

from portbook.lint.endpoint import endpoint
from portbook.lint.images import image_name
from portbook.lint.jsonc import jsonc_tree
from portbook.lint.published import declare, options
from portbook.lint.reading import Reading
from portbook.lint.source import Source
from portbook.lint.tree import Node, texts
from portbook.lint.written import is_template, plain, start_of_text, whole_number
from portbook.model.declared import Declared

FORM = "devcontainer"


def read(source: Source) -> Reading:
    """What it declares.

    Raises:
        Unreadable: it is no JSON, even with comments.
    """
    tree = jsonc_tree(source)
    image = plain(tree.get("image"))
    product = image_name(image) if image else None
    # What is published is the project's own program, which runs in the container.
    folder = source.folder
    if ".devcontainer" in folder.split("/"):
        folder = folder.rpartition(".devcontainer")[0].rstrip("/")
    runs = f"folder:{folder}"
    declared = list(_forwarded(source, tree.get("forwardPorts"), "forwardPorts"))
    declared += attributes(source, tree.get("portsAttributes"), FORM, "portsAttributes")
    ports = texts(tree.get("appPort"))
    for node in ports:
        if not node.quoted:
            declared += _both_sides(source, node, product, runs)
    values = [(node, 0, node.text) for node in ports if node.quoted]
    declared += declare(source, values, FORM, "appPort", product=product, runs=runs)
    values = list(options(texts(tree.get("runArgs"))))
    declared += declare(source, values, FORM, "runArgs", product=product, runs=runs)
    return Reading(tuple(sorted(declared, key=lambda each: each.place)))


def _forwarded(source: Source, ports: Node | None, who: str) -> Iterator[Declared]:
    """Numbers of this container, or `db:5432` of one beside it."""
    for node in texts(ports):
        found = _client(source, node, FORM, who)
        if found is not None:
            yield found


def attributes(source: Source, node: Node | None, form: str, who: str) -> Iterator[Declared]:
    """What is said of forwarded ports: `3000`, `40000-55000`, `db:5432`; not of patterns."""
    for key, _ in node.each() if node is not None else ():
        found = _client(source, key, form, who)
        if found is not None:
            yield found


def _client(source: Source, node: Node, form: str, who: str) -> Declared | None:
    """A port that is connected to: of this container, or of the host that is named."""
    start = start_of_text(source, node)
    if start is None or is_template(node.text):
        return None
    found = endpoint(node.text)
    if found is None or found.first == 0:
        return None
    place = source.place(start + found.start, found.length)
    return Declared(place, found.first, found.last, "client", who, form, address=found.host)


def _both_sides(source: Source, node: Node, product: str | None, runs: str) -> Iterator[Declared]:
    """`appPort: 3000` is 3000 inside, and 3000 of this machine's loopback."""
    number = whole_number(source, node)
    if number is None or number.value == 0:
        return
    for role, address in (("container", None), ("publish", "127.0.0.1")):
        yield Declared(
            number.place,
            number.value,
            number.value,
            role,
            "appPort",
            FORM,
            address=address,
            product=product,
            runs=runs,
        )
