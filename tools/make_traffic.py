"""Make captures with known truth, and ask `portbook watch` about them.

    python -m tools.make_traffic FILE [--short]     a labelled corpus, FILE.json beside FILE
    python -m tools.make_traffic --check FILE LABELS
    python -m tools.make_traffic --write            make the whole corpus, write the page
    python -m tools.make_traffic --hour FILE        an hour of port 3255
    python -m tools.make_traffic --bulk FILE --packets N --sources M

A corpus needs root: it runs real scanners and clients in network namespaces of its own, and nothing
of it leaves them. --check and --write print the matrix and exit 1 where a bar is missed.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TOP / "src")]

_INSIDE = "PORTBOOK_TRAFFIC_NAMESPACE"
PAGE = TOP / "docs" / "traffic-matrix.md"


def main() -> int:
    """Do what the options say."""
    options = _options()
    if options.bulk:
        from tools.traffic_bulk import write_bulk

        write_bulk(options.bulk, options.packets, options.sources, options.seed)
        return 0
    if options.hour:
        from tools.traffic_hour import write_hour

        write_hour(options.hour, options.seed)
        return 0
    if options.check:
        capture, labels = options.check
        return _check(capture, json.loads(Path(labels).read_text()), write=False)
    if not options.file and not options.write:
        sys.exit("make_traffic: say a FILE, --check, --write, --hour or --bulk")
    if _INSIDE not in os.environ:
        # Whatever is started dies with the first process of a process namespace, however it ends.
        alone = ["unshare", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]
        again = [*alone, sys.executable, "-m", "tools.make_traffic", *sys.argv[1:]]
        os.execvpe("unshare", again, {**os.environ, _INSIDE: "1"})
    with tempfile.TemporaryDirectory(prefix="portbook-corpus-") as folder:
        file = options.file or os.path.join(folder, "corpus.pcap")
        labels = _make(file, options)
        return _check(file, labels, write=True) if options.write else 0


def _make(file: str, options: argparse.Namespace) -> dict[str, Any]:
    from tools.traffic_running import make

    corpus = make(file, short=options.short, seed=options.seed, only=options.only)
    for line in corpus.told:
        print(f"make_traffic: {line}", file=sys.stderr)
    count = len(corpus.labels["sources"])
    print(f"make_traffic: {count} sources in {corpus.seconds:.0f} s: {file}", file=sys.stderr)
    Path(file + ".json").write_text(json.dumps(corpus.labels, indent=1) + "\n")
    return corpus.labels


def _check(capture: str, labels: dict[str, Any], *, write: bool) -> int:
    from tools.traffic_matrix import judged, page

    matrix = judged(capture, labels)
    text = page(matrix, labels)
    if write:
        PAGE.write_text(text)
    print(text)
    for kind in ("accused", "missed", "misnamed"):
        for each in getattr(matrix, kind):
            print(f"{kind}: {each.address} {each.label['name']}: {each.label['how']}")
            print(f"    {each.verdict} {each.tool}: {'; '.join(each.evidence)}")
    return 0 if all(met for _, met in matrix.bars()) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make_traffic", description=__doc__.partition("\n")[0])
    parser.add_argument("file", nargs="?", metavar="FILE")
    parser.add_argument("--short", action="store_true", help="one source in seven")
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--write", action="store_true", help="write docs/traffic-matrix.md")
    parser.add_argument("--check", nargs=2, metavar=("FILE", "LABELS"))
    parser.add_argument("--hour", metavar="FILE")
    parser.add_argument("--bulk", metavar="FILE")
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--sources", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
