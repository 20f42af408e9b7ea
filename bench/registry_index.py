"""What finding one port costs a fresh process, by way of finding it, and warm lookups per second.

    python bench/registry_index.py [--short]

All ways answer the same question from the same assignments in one run, so compare the ratios: the
machine decides the times. Each cold figure is the least of several processes; `bare` is an
interpreter that does nothing.
"""

import argparse
import marshal
import pickle
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from portbook.registry.lookup import lookup, reload
from portbook.registry.tables import open_assignments

PORT = 3255
SOURCE = str(Path(__file__).parents[1] / "src")

# Each program prints the names of PORT. argv: what it reads, the port, the source folder.
WAYS = {
    "bisect the mapped text": """
import sys
sys.path.insert(0, sys.argv[3])
from mmap import ACCESS_READ, mmap
path, port = sys.argv[1], int(sys.argv[2])
with open(path, "rb") as file:
    text = mmap(file.fileno(), 0, access=ACCESS_READ)
low, high = text.find(b"\\nport\\t") + 1, len(text)
low = text.find(b"\\n", low) + 1
while low < high:
    start = text.rfind(b"\\n", low, (low + high) // 2) + 1 or low
    if int(text[start:text.find(b"\\t", start)] or -1) < port - 16:
        low = text.find(b"\\n", start) + 1
    else:
        high = start
found = []
while low < len(text):
    stop = text.find(b"\\n", low)
    row = text[low:stop].decode().split("\\t")
    if int(row[0]) > port:
        break
    if int(row[1]) >= port:
        found.append(row[3])
    low = stop + 1
print(*found)
""",
    "portbook's reader (imports model)": """
import sys
sys.path.insert(0, sys.argv[3])
from portbook.registry.tables import open_assignments
print(*(row[3] for row in open_assignments().rows(int(sys.argv[2]))))
""",
    "SQLite with an index": """
import sqlite3, sys
rows = sqlite3.connect(sys.argv[1]).execute(
    "select service from a where port = ? order by transport", (int(sys.argv[2]),))
print(*(row[0] for row in rows))
""",
    "parse every row": """
import sys
port = int(sys.argv[2])
found = {}
with open(sys.argv[1], encoding="utf-8") as file:
    for line in file:
        row = line.rstrip("\\n").split("\\t")
        if row[0].isdigit():
            for each in range(int(row[0]), int(row[1]) + 1):
                found.setdefault(each, []).append(row)
print(*(row[3] for row in found[port]))
""",
    "marshal of a dict": """
import marshal, sys
with open(sys.argv[1], "rb") as file:
    print(*(row[3] for row in marshal.loads(file.read())[int(sys.argv[2])]))
""",
    "pickle of a dict": """
import pickle, sys
with open(sys.argv[1], "rb") as file:
    print(*(row[3] for row in pickle.loads(file.read())[int(sys.argv[2])]))
""",
}


def cold(program: str, *argv: str, times: int) -> tuple[float, str]:
    """The least time of `times` processes in milliseconds, and what they print."""
    least, printed = float("inf"), ""
    for _ in range(times):
        begin = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-I", "-c", program, *argv], capture_output=True, text=True, check=True
        )
        least = min(least, time.perf_counter() - begin)
        printed = done.stdout.strip()
    return least * 1000, printed


def prepare(folder: Path) -> dict[str, str]:
    """The same rows in every form; the file that each way reads."""
    table = open_assignments()
    whole = table.by_port()
    (folder / "marshal").write_bytes(marshal.dumps(whole))
    (folder / "pickle").write_bytes(pickle.dumps(whole, pickle.HIGHEST_PROTOCOL))
    database = sqlite3.connect(folder / "sqlite")
    database.execute("create table a (port integer, transport text, service text, rest text)")
    database.executemany(
        "insert into a values (?, ?, ?, ?)",
        (
            (port, row[2], row[3], "\t".join(row[4:]))
            for port, rows in whole.items()
            for row in rows
        ),
    )
    database.execute("create index by_port on a (port)")
    database.commit()
    database.close()
    return {
        "bisect the mapped text": table.path,
        "portbook's reader (imports model)": table.path,
        "SQLite with an index": str(folder / "sqlite"),
        "parse every row": table.path,
        "marshal of a dict": str(folder / "marshal"),
        "pickle of a dict": str(folder / "pickle"),
    }


def warm() -> tuple[float, float]:
    """Lookups per second over every port: the first pass builds each answer, the second has it."""
    reload()
    rates = []
    for _ in range(2):
        begin = time.perf_counter()
        for port in range(65536):
            lookup(port)
        rates.append(65536 / (time.perf_counter() - begin))
    return rates[0], rates[1]


def single() -> float:
    """Microseconds of one lookup with nothing opened yet, imports done: the least of several."""
    lookup(PORT)
    least = float("inf")
    for _ in range(20):
        reload()
        begin = time.perf_counter()
        lookup(PORT)
        least = min(least, time.perf_counter() - begin)
    return least * 1_000_000


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="few processes, for CI")
    times = 3 if parser.parse_args().short else 25
    bare, _ = cold("pass", times=times)
    print(f"{'way':36}{'ms':>8}{'over bare':>11}{'x bare':>8}")
    print(f"{'bare':36}{bare:8.1f}{0:11.1f}{1:8.2f}")
    with tempfile.TemporaryDirectory() as folder:
        answers = set()
        for way, path in prepare(Path(folder)).items():
            took, printed = cold(WAYS[way], path, str(PORT), SOURCE, times=times)
            answers.add(printed)
            print(f"{way:36}{took:8.1f}{took - bare:11.1f}{took / bare:8.2f}")
    if len(answers) != 1:
        sys.exit(f"the ways disagree: {answers}")
    print(f"\none lookup, tables not yet open: {single():,.0f} us")
    first, second = warm()
    print(f"every port, first pass: {first:,.0f}/s; second pass: {second:,.0f}/s")


if __name__ == "__main__":
    main()
