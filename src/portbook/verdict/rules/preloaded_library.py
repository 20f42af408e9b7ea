"""A library that LD_PRELOAD puts into the program, which can change whatever it does.

Allocators, debuggers and a few network wrappers are meant to be loaded like this.
"""

from portbook.model import Facts, Said, Suspicion
from portbook.verdict.places import hidden_folder, is_temporary
from portbook.verdict.programs import base_name, milder

ID = "preloaded-library"
SUMMARY = "LD_PRELOAD puts a library into the program that is none of the usual ones"

_NEXT = "see which package owns the library, and who set LD_PRELOAD (unit, profile, parent)"

HARMLESS = {
    "libjemalloc": "another allocator",
    "libtcmalloc": "another allocator",
    "libmimalloc": "another allocator",
    "libsnmalloc": "another allocator",
    "libhugetlbfs": "large memory pages",
    "libthp": "large memory pages",
    "libnuma": "memory close to the processor",
    "libeatmydata": "no waiting for the disk, in builds and tests",
    "libnosync": "no waiting for the disk, in builds and tests",
    "libfaketime": "another clock, in tests",
    "libfakeroot": "pretended ownership, in builds",
    "libnss_wrapper": "a passwd file for containers and tests",
    "libsocket_wrapper": "sockets without a network, in tests",
    "libuid_wrapper": "pretended user ids, in tests",
    "libasan": "a sanitizer",
    "libtsan": "a sanitizer",
    "libubsan": "a sanitizer",
    "liblsan": "a sanitizer",
    "libSegFault": "a trace at a crash",
    "libc_malloc_debug": "checks of the allocator",
    "libstdc++": "a matching C++ runtime",
    "libgcc_s": "a matching C runtime",
    "libgomp": "a matching OpenMP runtime",
    "libiomp5": "a matching OpenMP runtime",
    "libauthbind": "low ports without root",
    "libprivbind": "low ports without root",
    "libkeepalive": "keep-alive for its connections",
    "libproxychains": "its connections through a proxy",
    "libproxychains4": "its connections through a proxy",
    "libtorsocks": "its connections through Tor",
    "libtsocks": "its connections through a proxy",
    "libdl_preload": "a matching loader",
    "libvma": "the network card's own stack",
    "libxlio": "the network card's own stack",
    "libonload": "the network card's own stack",
    "liboneagentproc": "monitoring",
    "libstdbuf": "other buffering, by stdbuf",
    "libgtk3-nocsd": "window frames",
}
"""The beginnings of libraries' names, and what each is preloaded for."""


def weigh(facts: Facts) -> Suspicion | None:
    """The evidence, or nothing."""
    if not isinstance(facts.preloads, str):
        return None
    strange = [path for path in facts.preloads.replace(":", " ").split() if not _is_harmless(path)]
    if not strange:
        return None
    first = strange[0]
    if _is_odd(first) or any(_is_odd(path) for path in strange):
        first = next(path for path in strange if _is_odd(path))
        severity = "high"
    else:
        severity = milder("medium", facts)
    reason = Said(
        "LD_PRELOAD puts %(library)s into %(process)s", library=first, process=facts.process
    )
    return Suspicion(ID, severity, reason, _NEXT)


def _is_harmless(path: str) -> bool:
    """Whether the name is a known one: `libjemalloc.so.2`, `libfakeroot-sysv.so`."""
    stem = base_name(path).partition(".so")[0]
    known = stem in HARMLESS or stem.partition("-")[0].partition("_minimal")[0] in HARMLESS
    known = known or stem.removesuffix("MT") in HARMLESS
    return known and not _is_odd(path)


def _is_odd(path: str) -> bool:
    """Whether nobody installs a library there: the name alone can be borrowed."""
    return path.startswith("/") and (is_temporary(path) or hidden_folder(path) is not None)
