"""Workflows of GitHub Actions, and of the forges that read the same: containers beside a job.

A job runs on a machine of its own: its ports collide with each other, and with nothing else.
"""

from collections.abc import Iterator

from portbook.lint.images import image_name
from portbook.lint.published import declare, options_in
from portbook.lint.reading import Reading
from portbook.lint.source import Source, Unreadable
from portbook.lint.tree import MOST_NODES, Node, texts
from portbook.lint.written import plain, start_of_text
from portbook.lint.yaml_tree import yaml_documents
from portbook.model.declared import Declared

FORM = "actions"

_FORGES = (".github", ".gitea", ".forgejo")


def wants(source: Source) -> bool:
    """Whether it is a workflow in which a container may be started."""
    *_, above, folder = ("", "", *source.folder.split("/"))
    if folder != "workflows" or above not in _FORGES or "jobs:" not in source.text:
        return False
    return "services:" in source.text or "container:" in source.text


def read(source: Source) -> Reading:
    """The ports of the containers of every job.

    Raises:
        Unreadable: it is no YAML, or aliases multiply what is in it.
    """
    declared: list[Declared] = []
    left = MOST_NODES
    for document in yaml_documents(source):
        jobs = document.get("jobs")
        for name, job in jobs.each() if jobs is not None else ():
            for who, container in _containers(name.text, job):
                values = _values(source, container)
                left -= 1 + len(values)
                if left < 0:
                    raise Unreadable(f"aliases make more than {MOST_NODES} values of it")
                declared += _ports(source, name.text, who, container, values)
    return Reading(tuple(sorted(set(declared), key=lambda each: each.place)))


def _containers(job_name: str, job: Node) -> Iterator[tuple[str, Node]]:
    """(who, container) of a job: its own, and its services."""
    own = job.get("container")
    if own is not None:
        yield job_name, own
    services = job.get("services")
    for name, service in services.each() if services is not None else ():
        yield f"{job_name}/{name.text}", service


def _values(source: Source, container: Node) -> list[tuple[Node, int, str]]:
    """(node, offset in its text, value) of everything that is published."""
    values = [(node, 0, node.text) for node in texts(container.get("ports"))]
    options = container.get("options")
    if options is not None and options.kind == "text" and start_of_text(source, options):
        values += [(options, offset, text) for offset, text in options_in(options.text)]
    return values


def _ports(
    source: Source, job: str, who: str, container: Node, values: list[tuple[Node, int, str]]
) -> Iterator[Declared]:
    image = plain(container.get("image"))
    product = image_name(image) if image else None
    # Two containers meet on the machine of their job, and nowhere else: see PB101.
    runs = f"job:{source.path}#{job}#{who}"
    yield from declare(source, values, FORM, who, product=product, runs=runs)
