"""Stores of vectors (HTTP): each names itself at / or in its API."""

from portbook.identify.probe import Probe
from portbook.identify.wire.web_signs import Sign, judge_by

_SIGNS = (
    Sign(
        "Qdrant",
        status=200,
        headers=(("content-type", "application/json"),),
        body=(b'{"title":"qdrant - vector search engine"',),
        after=b'"version":"',
    ),
    *(
        Sign(
            "Weaviate",
            headers=(("content-type", "application/json"),),
            body=body,
            ask="/v1/meta",
            needs=b'"modules"',
            key=("version",),
            until="",
        )
        for body in ((b'"/v1/meta"',), (b'"name":"List all objects"', b'"/v1/objects"'))
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
