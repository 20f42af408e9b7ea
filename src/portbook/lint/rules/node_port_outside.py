"""A nodePort that a cluster refuses: outside the range that is set aside for them."""

from collections.abc import Iterator

from portbook.lint.known import Known
from portbook.lint.project import Project
from portbook.model.declared import LintFinding

ID = "PB304"
SUMMARY = "a nodePort outside 30000-32767, which a cluster refuses"
SEVERITY = "error"

NODE_PORTS = (30000, 32767)
"""The range of Kubernetes unless its API server is told another (`--service-node-port-range`)."""


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every port of nodes that is not in the range."""
    first, last = NODE_PORTS
    for each in project.declared:
        if each.role == "node" and each.is_port and not first <= each.first <= each.last <= last:
            yield LintFinding(
                ID,
                SEVERITY,
                each.place,
                each.first,
                f"nodePort {each.first} of {each.who} is outside {first}-{last}: a cluster refuses"
                " the whole object",
                "take one of the range, or leave nodePort out and the cluster picks one; with"
                " another --service-node-port-range, allow this",
            )
