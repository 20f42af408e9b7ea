"""STATUS over UDP: questions per second that the service answers, and their longest wait.

    python bench/udp_status.py [--seconds 5] [--short]

One client keeps 32 questions under way over one socket; service and client share the cores. There
is no peer that answers whether a port is taken by datagram, so the goal is absolute.
"""

import argparse
import os
import select
import socket
import sys
import time
from urllib.parse import urlsplit

from claims import served
from measure import ROOT, Row, report

STATUS_PER_SECOND = 30_000
_UNDER_WAY = 32
sys.path.insert(0, str(ROOT / "src"))


def asked_per_second(port: int, seconds: float) -> tuple[float, int]:
    """Answers per second, and how many questions got none."""
    from portbook.claims.datagram import status_request

    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.connect(("127.0.0.1", port))
    link.setblocking(False)
    questions = [status_request("tcp", 8000 + n, os.urandom(8)) for n in range(64)]
    poll = select.poll()
    poll.register(link, select.POLLIN)
    answers = lost = under_way = sent = 0
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds:
        while under_way < _UNDER_WAY:
            link.send(questions[sent % 64])
            sent += 1
            under_way += 1
        if not poll.poll(200):
            lost += under_way
            under_way = 0
            continue
        try:
            while True:
                if len(link.recv(128)) != 64:
                    sys.exit("an answer has not 64 bytes")
                answers += 1
                under_way -= 1
        except BlockingIOError:
            pass
    took = time.perf_counter() - begin
    link.close()
    return answers / took, lost


def main() -> list[Row]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--short", action="store_true", help="one second, for CI")
    options = parser.parse_args()
    with served() as told:
        port = urlsplit(told["url"]).port
        assert port is not None
        rate, lost = asked_per_second(port, 1 if options.short else options.seconds)
    if lost:
        print(f"{lost} questions were not answered in 200 ms", file=sys.stderr)
    name = f"the goal, {STATUS_PER_SECOND:,}/s"
    rows = [Row(f"UDP STATUS, {rate:,.0f}/s", 1000 / rate, name, 1000 / STATUS_PER_SECOND, 1.0)]
    report(rows, judge=not options.short)
    return rows


if __name__ == "__main__":
    main()
