"""Stores of vectors (HTTP): each names itself at / or in its API."""

from portbook.identify.probe import Probe
from portbook.identify.probes.web_signs import Sign, judge_by

_SIGNS = (
    Sign("Qdrant", body=(b'"title":"qdrant - vector search engine"',), after=b'"version":"'),
    Sign("Weaviate", body=(b'"/v1/meta"',), ask="/v1/meta", needs=b'"version"', key=("version",)),
    Sign(
        "Weaviate",
        body=(b'"name":"List all objects"', b'"/v1/objects"'),
        ask="/v1/meta",
        needs=b'"version"',
        key=("version",),
    ),
    Sign(
        "Chroma",
        headers=(("chroma-trace-id", ""),),
        ask="/api/v2/version",
        needs=b'"',
        then=b'"',
    ),
)

PROBE = Probe(
    name="vector-store",
    title="Vector databases",
    source="the API documentation of Qdrant, Weaviate and Chroma",
    ports=(6333,),
    programs=("qdrant", "weaviate"),
    commands=("chromadb.app", "chroma run"),
    transports=("tcp",),
    reacts_to=("http",),
    judge=judge_by("vector-store", _SIGNS),
)
