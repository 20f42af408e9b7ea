"""Elasticsearch and OpenSearch: JSON over HTTP; the root tells name and version."""

from portbook.identify.probe import Found, Probe, Talk
from portbook.identify.wire.http_message import json_object, page, text_of, upstream


def judge(talk: Talk) -> Found | None:
    """A tagline with a version object, or a refusal with the product's header."""
    response = page(talk)
    if response is None:
        return None
    said = json_object(response)
    version = said.get("version")
    if isinstance(version, dict) and "cluster_name" in said and "lucene_version" in version:
        fork = text_of(version.get("distribution")) == "opensearch"
        product = "OpenSearch" if fork else "Elasticsearch"
        cluster = text_of(said.get("cluster_name"))
        notes = (f"cluster {cluster}",) if cluster else ()
        number = upstream(version.get("number"))
        return Found("http", "certain", product, number, b'"cluster_name"', notes)
    locked = ("asks for a password",) if response.status == 401 else ()
    if response.header("x-elastic-product") == "Elasticsearch":
        return Found("http", "certain", "Elasticsearch", shows=response.line, notes=locked)
    if response.header("www-authenticate").startswith('Basic realm="OpenSearch'):
        return Found("http", "certain", "OpenSearch", shows=response.line, notes=locked)
    return None


PROBE = Probe(
    name="elasticsearch",
    title="Elasticsearch, OpenSearch",
    source="Elasticsearch reference, REST APIs, Info API (GET /)",
    ports=(9200,),
    programs=("elasticsearch", "opensearch"),
    commands=("org.elasticsearch.", "org.opensearch."),
    reacts_to=("http",),
    judge=judge,
)
