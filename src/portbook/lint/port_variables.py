"""Environment variables that tell a program which port to listen on, and who obeys them."""

import re
from collections.abc import Iterable

from portbook.lint.images import Image
from portbook.lint.interpolation import MOST_TEXT, part
from portbook.lint.parts import Variable
from portbook.model.declared import Place
from portbook.model.record import Record

_ANYBODY = frozenset(
    (
        "PORT",
        "HTTP_PORT",
        "SERVER_PORT",
        "LISTEN_PORT",
        "ASPNETCORE_URLS",
        "ASPNETCORE_HTTP_PORTS",
        "DOTNET_URLS",
        "NUXT_PORT",
        "NITRO_PORT",
        "UVICORN_PORT",
        "FLASK_RUN_PORT",
        "QUARKUS_HTTP_PORT",
        "MICRONAUT_SERVER_PORT",
        "STREAMLIT_SERVER_PORT",
        "GRADIO_SERVER_PORT",
        "CHAINLIT_PORT",
        "ROCKET_PORT",
        "VAPOR_PORT",
    )
)
_BY_IMAGE = {
    "GF_SERVER_HTTP_PORT": "grafana",
    "N8N_PORT": "n8n",
    "PGPORT": "postgres",
    "KC_HTTP_PORT": "keycloak",
    "MB_JETTY_PORT": "metabase",
    "HASURA_GRAPHQL_SERVER_PORT": "graphql-engine",
    "PGRST_SERVER_PORT": "postgrest",
    "MEILI_HTTP_ADDR": "meilisearch",
    "NEXUS_PORT": "nexus3",
}
_PORT = re.compile(r"(?:^|[:;])([0-9]{1,5})(?=$|[;/])")
_EVERYWHERE = ("", "0.0.0.0", "::", "[::]", "localhost", "127.0.0.1", "::1", "*", "+")
_HOSTS = ("HOST", "HOSTNAME", "ADDR", "ADDRESS")


class Told(Record):
    """A number that a variable tells a program; `place` is that of its digits."""

    name: str
    port: int
    place: Place


def told_ports(variables: Iterable[Variable], image: Image | None) -> list[Told]:
    """The numbers that a container is told to listen on.

    Args:
        variables: its environment, variables put in.
        image: what is known of its image; None for one that is built or that nobody knows.
            Of a known program only its own variables count, as PORT means nothing to a database.
    """
    given = {each.name: each.value.text for each in variables if each.value is not None}
    found = []
    for variable in variables:
        value = variable.value
        if value is None or len(value.text) > MOST_TEXT or not _obeys(variable.name, image):
            continue
        stem, _, last = variable.name.rpartition("_")
        # SERVER_HOST=api and SERVER_PORT=80 are somebody else's address.
        if last == "PORT" and stem:
            others = (given.get(f"{stem}_{host}", "") for host in _HOSTS)
            if any(other not in _EVERYWHERE for other in others):
                continue
        for match in _PORT.finditer(value.text):
            if int(match[1]):
                place = part(value, match.start(1), match.end(1)).place
                found.append(Told(variable.name, int(match[1]), place))
    return found


def _obeys(name: str, image: Image | None) -> bool:
    own = _BY_IMAGE.get(name)
    if own is not None:
        return image is not None and own in image.product
    return name in _ANYBODY and (image is None or image.kind == "runtime")
