"""Scanners of every tool and type, by name."""

from portbook.model.traffic import Judged
from portbook.traffic.facts import Facts
from traffic.case_made import Case, raw
from traffic.facts_made import made


def scan(name: str, facts: Facts, sure: str, how: str, tool: str | None = None) -> Case:
    """A source that scans."""
    return Case(name, facts, Judged("scan", sure, how, tool))


SCANS = (
    scan("zmap-3-one-port", made({"half-open": 1}, raw(1, zmap_id=1)), "likely", "syn", "zmap"),
    scan(
        "zmap-3-closed-twice",
        made({"refused": 2}, raw(2, zmap_id=2), contacts=2, ports=1, hosts=2),
        "certain",
        "syn",
        "zmap",
    ),
    scan(
        "zmap-4-one-closed-port",
        made({"refused": 1}, raw(1, zmap_shape=1)),
        "guess",
        "syn",
        "zmap",
    ),
    scan("zmap-4-open", made({"half-open": 1}, {"zmap-shape": 1}), "likely", "syn", "zmap"),
    scan(
        "zmap-4-linux-options-look-like-a-stack",
        made({"half-open": 3}, {"zmap-shape": 3, "stack": 3}, contacts=3),
        "likely",
        "syn",
        "zmap",
    ),
    scan(
        "zmap-4-closed-ports",
        made({"refused": 6}, raw(6, zmap_shape=6), contacts=6),
        "likely",
        "syn",
        "zmap",
    ),
    scan(
        "masscan-one-packet",
        made({"refused": 1}, raw(1, masscan_id=1)),
        "likely",
        "syn",
        "masscan",
    ),
    scan(
        "masscan-one-of-them-answered-by-nothing",
        made({"ignored": 2}, raw(2, masscan_id=2, masscan_mss=2), contacts=2),
        "certain",
        "syn",
        "masscan",
    ),
    scan(
        "masscan-banners-of-one-port",
        made({"conversed": 1}, raw(1, masscan_id=1), right=1),
        "likely",
        "service",
        "masscan",
    ),
    scan(
        "masscan-in-a-long-capture",
        made({"refused": 250, "half-open": 5}, raw(255, masscan_id=255, nmap_pair=1), contacts=255),
        "certain",
        "syn",
        "masscan",
    ),
    scan("mirai-one-packet", made({"refused": 1}, raw(1, mirai=1)), "certain", "syn", "mirai"),
    scan(
        "mirai-then-a-login-from-the-bot's-own-stack",
        made({"half-open": 1, "conversed": 1}, raw(1, mirai=1, stack=1), right=1),
        "certain",
        "syn",
        "mirai",
    ),
    scan(
        "nmap-half-open-one-port",
        made({"half-open": 1}, raw(1, nmap_shape=1)),
        "likely",
        "syn",
        "nmap",
    ),
    scan(
        "nmap-filtered-port-asked-twice",
        made({"ignored": 2}, raw(2, nmap_shape=2, nmap_pair=1)),
        "certain",
        "syn",
        "nmap",
    ),
    scan(
        "nmap-pair-without-the-look",
        made({"refused": 2}, raw(2, nmap_pair=1), contacts=2),
        "likely",
        "syn",
        "nmap",
    ),
    scan(
        "nmap-every-port-with-chance-marks-of-masscan",
        made(
            {"refused": 255, "half-open": 12},
            raw(255, nmap_shape=255, nmap_pair=255, masscan_id=3),
            contacts=255,
        ),
        "certain",
        "syn",
        "nmap",
    ),
    scan(
        "nmap-versions-of-one-port-talks-right",
        made({"half-open": 1, "conversed": 1}, raw(1, nmap_shape=1, stack=1), right=1),
        "likely",
        "syn",
        "nmap",
    ),
    scan(
        "nmap-versions-told-by-its-bytes",
        made({"conversed": 6, "empty": 1}, {"stack": 7}, right=1, tool="nmap"),
        "likely",
        "service",
        "nmap",
    ),
    scan(
        "nmap-os-detection",
        made(
            {"half-open": 8, "null": 1, "odd": 1, "ack": 2, "xmas": 1},
            raw(13, nmap_os=8, nmap_shape=2),
            contacts=2,
        ),
        "certain",
        "os-detection",
        "nmap",
    ),
    scan(
        "nmap-retries-that-look-like-unicornscan",
        made(
            {"ignored": 20},
            raw(20, nmap_shape=20, nmap_pair=19, unicornscan_pair=4),
            contacts=10,
        ),
        "certain",
        "syn",
        "nmap",
    ),
    scan(
        "unicornscan",
        made({"refused": 5}, raw(5, unicornscan_pair=4), contacts=5),
        "certain",
        "syn",
        "unicornscan",
    ),
    scan("fin", made({"fin": 1}, raw(1)), "likely", "fin"),
    scan(
        "null-by-nmap",
        made({"null": 5}, raw(5, nmap_shape=5), contacts=5),
        "likely",
        "null",
        "nmap",
    ),
    scan("xmas", made({"xmas": 4}, raw(4), contacts=4), "certain", "xmas"),
    scan("syn-fin", made({"syn-fin": 2}, raw(2), contacts=2), "likely", "syn-fin"),
    scan("odd-flags", made({"odd": 3}, raw(3)), "certain", "xmas"),
    scan("maimon", made({"maimon": 9}, raw(9), contacts=9), "likely", "maimon"),
    scan(
        "ack-by-nmap",
        made({"ack": 5}, raw(5, nmap_shape=5), contacts=5),
        "likely",
        "ack",
        "nmap",
    ),
    scan("ack-without-look", made({"ack": 5}, raw(5), contacts=5), "guess", "ack"),
    scan("raw-half-open-two-ports", made({"half-open": 2}, raw(2), contacts=2), "likely", "syn"),
    scan("raw-closed-ports", made({"refused": 4}, raw(4), contacts=4), "likely", "syn"),
    scan(
        "connect-to-open-and-closed-ports",
        made({"empty": 1, "refused": 3}, {"stack": 4}, contacts=4),
        "likely",
        "connect",
    ),
    scan(
        "connect-reset-at-once",
        made({"empty-reset": 6}, {"stack": 6}, contacts=6),
        "likely",
        "connect",
    ),
    scan(
        "connect-thousand-ports",
        made({"empty-reset": 6, "refused": 994}, {"stack": 1000}, contacts=1000),
        "certain",
        "connect",
    ),
    scan(
        "connect-closed-ports-only",
        made({"refused": 10}, {"stack": 10}, contacts=10),
        "likely",
        "connect",
    ),
    scan(
        "connect-to-filtered-ports",
        made({"ignored": 40}, {"stack": 40}, contacts=20),
        "likely",
        "connect",
    ),
    scan(
        "connect-to-a-few-filtered-ports",
        made({"ignored": 9}, {"stack": 9}, contacts=9),
        "likely",
        "connect",
    ),
    scan(
        "one-port-of-many-addresses",
        made({"refused": 9}, {"stack": 9}, contacts=9, hosts=9),
        "likely",
        "connect",
    ),
    scan(
        "connect-scan-that-talks-to-one",
        made({"refused": 40, "conversed": 1}, {"stack": 41}, contacts=41, right=1),
        "likely",
        "connect",
    ),
    scan(
        "wrong-protocol-at-three-ports",
        made({"conversed": 3}, {"stack": 3}, contacts=3, wrong=3),
        "likely",
        "service",
    ),
    scan("udp-closed-ports", made({"udp-closed": 10}, contacts=10), "likely", "udp"),
    scan(
        "udp-with-limited-errors",
        made({"udp-closed": 6, "udp-silent": 200}, contacts=206),
        "certain",
        "udp",
    ),
    scan("udp-empty-datagrams", made({"udp-empty": 5}, contacts=5), "likely", "udp"),
    scan("udp-silent-sweep", made({"udp-silent": 200}, contacts=200), "likely", "udp"),
    scan("sctp-inits", made({"sctp-init": 5}, contacts=5), "guess", "sctp-init"),
    scan(
        "sctp-with-one-open-port",
        made({"sctp-init": 40, "sctp-answered": 1}, contacts=41, failures=40),
        "likely",
        "sctp-init",
    ),
    scan(
        "scan-and-backscatter",
        made({"xmas": 3, "back-rst": 20}, raw(3), contacts=23),
        "certain",
        "xmas",
    ),
)
