"""Solr: the root leads to /solr/, the system information tells the version."""

from portbook.identify.probe import Again, Found, Probe, Talk
from portbook.identify.wire.http_message import get, json_object, page, title, upstream
from portbook.identify.wire.http_software import unproven


def judge(talk: Talk) -> Found | Again | None:
    """A redirect to /solr/ or its administration page, then the Lucene versions."""
    response = page(talk)
    if response is not None:
        where = response.header("location").partition("//")[2].partition("/")[2]
        to_solr = 300 <= response.status < 400 and (
            where == "solr/" or response.header("location") == "/solr/"
        )
        if to_solr or title(response) == "Solr Admin":
            return Again(get("/solr/admin/info/system?wt=json"), unproven(response))
        return None
    answer = page(talk, "solr")
    lucene = json_object(answer).get("lucene") if answer else None
    if answer is None or not isinstance(lucene, dict) or "solr-spec-version" not in lucene:
        return None
    version = upstream(lucene.get("solr-spec-version"))
    return Found("http", "certain", "Solr", version, answer.line)


PROBE = Probe(
    name="solr",
    title="Solr",
    source="Apache Solr reference guide, configuration APIs, system information",
    ports=(8983,),
    programs=("solr",),
    commands=("solr.solr.home", "-dsolr."),
    reacts_to=("http",),
    judge=judge,
)
