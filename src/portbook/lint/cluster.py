"""Which objects of a cluster belong together: Services and the Pods behind them, by selector.

A repository often has one application several times: as a base with overlays, as examples beside
each other. So the nearest objects count: those in the folder of what asks. Where that folder has
objects of the kind, but none that is meant, the right one is not in the files, and nothing is said.
Where it has none (one folder to each kind) those of all folders count.
"""

from collections.abc import Iterable, Sequence

from portbook.lint.parts import ClusterService, PodContainer, Workload
from portbook.lint.project import Project
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    Made = TypeVar("Made", Workload, ClusterService)

MOST_ALIKE = 500
"""Objects that one label or one name may find: of more than that nothing is said."""

Selector = tuple[tuple[str, str], ...]
Key = tuple[str, Selector]
_Labelled = tuple[str, Workload, frozenset[tuple[str, str]]]


class Behind(Record):
    """The Pods that a selector finds, and the ports of their containers.

    `workloads` are (path, workload); `containers` those that run as long as the Pod, with those
    that patches of the same workload speak of. `names` are (name, transport) of their ports.
    """

    workloads: tuple[tuple[str, Workload], ...]
    containers: tuple[PodContainer, ...]
    names: frozenset[tuple[str, str]]
    numbers: frozenset[int]
    told: frozenset[int]


class Cluster:
    """The objects of all files of a project."""

    def __init__(self, project: Project) -> None:
        self._by_label: dict[tuple[str, tuple[str, str]], list[_Labelled]] = {}
        self._patches: dict[tuple[str, str], list[Workload]] = {}
        self._services: dict[tuple[str, str], dict[str, list[tuple[str, ClusterService]]]] = {}
        self._with_workloads: set[str] = set()
        self._with_services: set[str] = set()
        self._selected: dict[Key, dict[str, list[tuple[str, Workload]]]] = {}
        self._behind: dict[tuple[str, Key], Behind | None] = {}
        self._meant: dict[tuple[str, str, str], list[tuple[str, ClusterService]]] = {}
        for path, workload in project.parts(Workload):
            if workload.labels:
                self._with_workloads.add(_folder(path))
                found = (path, workload, frozenset(workload.labels))
                for label in workload.labels:
                    key = (workload.namespace, label)
                    self._by_label.setdefault(key, []).append(found)
            else:
                self._patches.setdefault((workload.kind, workload.name), []).append(workload)
        for path, service in project.parts(ClusterService):
            self._with_services.add(_folder(path))
            named = self._services.setdefault((service.namespace, service.name), {})
            named.setdefault(_folder(path), []).append((path, service))

    def behind(self, path: str, service: ClusterService) -> Behind | None:
        """The Pods behind a Service of a file; None where the files do not have them."""
        if not service.selector:
            return None
        folder = _folder(path)
        selected = (service.namespace, service.selector)
        key = (folder, selected)
        if key not in self._behind:
            nearest = _nearest(folder, self._folders_of(selected), self._with_workloads)
            self._behind[key] = self._joined(nearest) if nearest else None
        return self._behind[key]

    def services(
        self, path: str, namespace: str, name: str
    ) -> Sequence[tuple[str, ClusterService]]:
        """The Services of a name, as what is in the file `path` means it."""
        key = (_folder(path), namespace, name)
        if key not in self._meant:
            named = self._services.get((namespace, name), {})
            found = _nearest(key[0], named, self._with_services)
            self._meant[key] = found if len(found) <= MOST_ALIKE else []
        return self._meant[key]

    def _folders_of(self, key: Key) -> dict[str, list[tuple[str, Workload]]]:
        """The workloads that a selector selects, by folder."""
        found = self._selected.get(key)
        if found is None:
            found = self._selected[key] = {}
            namespace, selector = key
            # The label that the fewest have leaves the least to compare.
            few = min((self._by_label.get((namespace, label), []) for label in selector), key=len)
            wanted = set(selector)
            for path, workload, labels in few if len(few) <= MOST_ALIKE else ():
                if wanted <= labels:
                    found.setdefault(_folder(path), []).append((path, workload))
        return found

    def _joined(self, workloads: Sequence[tuple[str, Workload]]) -> Behind:
        names = dict.fromkeys((each.kind, each.name) for _, each in workloads)
        containers = [one for _, each in workloads for one in _running(each.containers)]
        patches = [
            one
            for name in names
            for patch in self._patches.get(name, ())
            for one in _running(patch.containers)
        ]
        every = [*containers, *patches]
        ports = [
            (name, port)
            for each in every
            for name, port in zip(each.names, each.ports, strict=True)
        ]
        return Behind(
            tuple(workloads),
            tuple(containers),
            frozenset((name, port.transport) for name, port in ports if name),
            frozenset(port.first for _, port in ports),
            frozenset(number for each in every for number in each.told),
        )


def _running(containers: Iterable[PodContainer]) -> list[PodContainer]:
    return [each for each in containers if not each.passing]


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _nearest(
    folder: str, found: "dict[str, list[tuple[str, Made]]]", occupied: set[str]
) -> "list[tuple[str, Made]]":
    """Those of the same folder; of all, where that folder has none of their kind at all."""
    if folder in found:
        return found[folder]
    if folder in occupied:
        return []
    return [each for others in found.values() for each in others]


def nearest_first(path: str, found: Iterable[tuple[str, "Made"]]) -> "list[tuple[str, Made]]":
    """The same, those of the file itself before others."""
    return sorted(found, key=lambda each: (each[0] != path, each[0], each[1].place))
