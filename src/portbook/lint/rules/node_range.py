"""A number on the machine that a cluster on it may give to a Service of type NodePort."""

from collections.abc import Iterator

from portbook.lint.known import Known
from portbook.lint.parts import ClusterService, Workload
from portbook.lint.project import Project
from portbook.lint.readers.kubernetes_local import NODES
from portbook.lint.rules.node_port_outside import NODE_PORTS
from portbook.model.declared import ON_THE_MACHINE, Declared, LintFinding, Related

ID = "PB303"
SUMMARY = "a port on the machine in the range of a cluster's node ports"
SEVERITY = "note"


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every such number, in a project that is also for a cluster."""
    if not any(True for kind in (ClusterService, Workload) for _ in project.parts(kind)):
        return
    first, last = NODE_PORTS
    nodes: dict[tuple[int, str], Declared] = {}
    for each in project.declared:
        if each.role == "node" and each.is_port:
            nodes.setdefault((each.first, each.transport), each)
    for each in project.declared:
        if each.role not in ON_THE_MACHINE or each.form == "actions" or each.product in NODES:
            # A job has a machine of its own; a node in a container publishes its own node ports.
            continue
        if not each.is_port or each.last < first or each.first > last:
            continue
        node = nodes.get((each.first, each.transport))
        what = f"{_numbers(each)} of {each.who}"
        yield LintFinding(
            ID,
            SEVERITY,
            each.place,
            max(each.first, first),
            f"{what} is the nodePort of {node.who} as well: on a node of the cluster both want it"
            if node is not None
            else f"{what} is in {first}-{last}, from which a cluster picks node ports: on a node"
            " it may be taken",
            f"take a number below {first} where both run on one machine",
            (Related(node.place, f"the nodePort of {node.who}"),) if node is not None else (),
            each.digits if each.first == each.last else (),
        )


def _numbers(each: Declared) -> str:
    numbers = str(each.first) if each.first == each.last else f"{each.first}-{each.last}"
    return f"{numbers}/{each.transport}"
