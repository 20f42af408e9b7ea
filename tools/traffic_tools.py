"""Scanners that are really run: nmap, masscan, ZMap, hping3, netcats, a shell, connect scanners."""

from tools.traffic_visit import Visit

_NMAP = "nmap -n -Pn --send-ip --disable-arp-ping -S {source} -e wire "
_MANY = "-p 21-25,80,110,143,443,873,1883,3255,3389,5432,6379,8080 "
_FEW = "-p 22,80,3255,8081,9999 "
_FLAGS = (
    ("S", "syn"),
    ("F", "fin"),
    ("N", "null"),
    ("X", "xmas"),
    ("A", "ack"),
    ("W", "ack"),
    ("M", "maimon"),
)
_MASSCAN = "masscan --adapter wire --adapter-ip {source} --router-mac {mac} --wait 1 "
_ZMAP = "zmap -q -T 1 -i wire -S {source} -G {mac} -b {empty} -c 1 -r 100 -o /dev/null "
_HPING = "hping3 -q -I wire -a {source} -i u20000 "


def visits() -> list[Visit]:
    """Every scanner that is a program."""
    return [*_nmap_raw(), *_nmap_other(), *_masscan(), *_zmap(), *_hping(), *_connects()]


def _nmap_raw() -> list[Visit]:
    made = []
    for letter, scan_type in _FLAGS:
        kind = Visit(f"nmap -s{letter}", "scan", tool="nmap", scan_type=scan_type, raw=True)
        many = kind._replace(marked=True)
        command = f"{_NMAP}-s{letter} "
        made += [
            many._replace(command=command + _MANY + "-T3 {target}", full=2, short=1),
            many._replace(command=command + _FEW + "-T4 --max-retries 0 {target}", full=2),
            kind._replace(command=command + "-p 3255 {target}", truth="probe"),
            kind._replace(command=command + "-p 80 {target}", truth="probe"),
        ]
        if letter in "SAF":
            made.append(many._replace(command=command + "-F -T4 {target}", full=1))
    kind = Visit("nmap -sS", "scan", tool="nmap", scan_type="syn", raw=True, marked=True)
    options = ("-g 53", "-T5", "-p 22 {targets}", "-T2 -p 80,81,3255", "--ttl 200 -p 80,3255")
    made += [
        kind._replace(
            command=f"{_NMAP}-sS {option} {'' if '-p' in option else _FEW}"
            f"{'' if 'targets' in option else '{target}'}"
        )
        for option in options
    ]
    synfin = Visit("nmap SYN/FIN", "scan", scan_type="syn-fin", raw=True, full=2, short=1)
    made.append(synfin._replace(command=f"{_NMAP}-sS --scanflags SYNFIN {_FEW}{{target}}"))
    return made


def _nmap_other() -> list[Visit]:
    raw = Visit("nmap -O", "scan", tool="nmap", marked=True, raw=True, scan_type="os-detection")
    user = Visit("nmap -sT", "scan", scan_type="connect")
    udp = Visit("nmap -sU", "scan", scan_type="udp", raw=True)
    known = "-p 53,69,123,161,500,514,1900,3255,5353 "
    version = raw._replace(name="nmap -sS -sV", scan_type="service")
    plain = "nmap -n -Pn --unprivileged "
    return [
        raw._replace(command=f"{_NMAP}-sS -O -p 22,3255 {{target}}", full=3, short=1),
        raw._replace(command=f"{_NMAP}-sS -O --max-os-tries 1 {_MANY}{{target}}"),
        version._replace(command=f"{_NMAP}-sS -sV -p 22,80,3255 {{target}}"),
        version._replace(command=f"{_NMAP}-sS -sV -p 22,6379,8000 {{target}}", full=2),
        user._replace(command=f"{plain}-sT {_MANY}{{target}}", full=4, short=2),
        user._replace(command=f"{plain}-sT -T4 -F {{target}}", full=3),
        user._replace(command=f"{plain}-sT -T3 {_FEW}{{target}}", full=3),
        user._replace(command=f"{plain}-sT -p 80 {{target}}", truth="probe", full=3, short=1),
        user._replace(command=f"{plain}-6 -sT {_FEW}{{target6}}", road="six", full=3, short=1),
        user._replace(command=f"{plain}-sT {_FEW}{{target}}", road="far", full=3, short=1),
        user._replace(
            name="nmap -sT -sV",
            command=f"{plain}-sT -sV -p 22,80,3255 {{target}}",
            scan_type="service",
            full=2,
        ),
        udp._replace(command=f"{_NMAP}-sU --max-retries 1 {known}{{target}}", full=3, short=1),
        udp._replace(command=f"{_NMAP}-sU --max-retries 0 -p 3255-3260 {{target}}", full=3),
        udp._replace(command=f"{_NMAP}-sU -p 3255 {{target}}", truth="probe", full=2),
        udp._replace(command=f"{_NMAP}-sU -g 53 --max-retries 1 -p 53,3255-3262 {{target}}"),
        udp._replace(
            name="nmap -sY", scan_type="sctp-init", command=f"{_NMAP}-sY -p 80,3255 {{target}}"
        ),
        raw._replace(
            name="nmap -6 -sS",
            scan_type="syn",
            road="six",
            command=f"nmap -6 -n -Pn -S {{source}} -e wire -sS {_MANY}{{target6}}",
        ),
    ]


def _masscan() -> list[Visit]:
    kind = Visit("masscan", "scan", tool="masscan", marked=True, raw=True, scan_type="syn")
    commands = (
        ("-p80,443,3255 --rate 200 {target}", "scan", 4, 1),
        ("-p1-300 --rate 1000 {target}", "scan", 3, 0),
        ("-p3255 --rate 100 {target}", "probe", 5, 1),
        ("-p22 --rate 100 {target}", "probe", 3, 0),
        ("-p22,80 --banners --rate 100 {target}", "scan", 2, 0),
        ("-p6379 --rate 100 {targets}", "scan", 3, 1),
        ("-p8080-8090 --source-port 61000 --retries 1 --rate 100 {target}", "scan", 2, 0),
    )
    return [
        kind._replace(command=_MASSCAN + command, truth=truth, full=full, short=short)
        for command, truth, full, short in commands
    ]


def _zmap() -> list[Visit]:
    kind = Visit("zmap 2.1.1", "scan", tool="zmap", marked=True, raw=True, scan_type="syn")
    udp = kind._replace(name="zmap 2.1.1 udp", tool=None, marked=False, scan_type="udp")
    return [
        kind._replace(command=_ZMAP + "-p 80 {target}/32", truth="probe", full=4, short=1),
        kind._replace(command=_ZMAP + "-p 3255 {target}/32", truth="probe", full=4, short=1),
        kind._replace(command=_ZMAP + "-p 443 -P 3 {target}/32", truth="probe", full=3),
        kind._replace(command=_ZMAP + "-p 22 {targets}", full=4, short=1),
        udp._replace(command=_ZMAP + "-M udp --probe-args=text:hello -p 3255 {targets}", full=3),
        udp._replace(
            command=_ZMAP + "-M udp --probe-args=text:hello -p 3255 {target}/32", truth="probe"
        ),
    ]


def _hping() -> list[Visit]:
    kind = Visit("hping3", "scan", raw=True)
    commands = (
        ("-S -p ++79 -c 6 {target}", "scan", "syn", 3, 1),
        ("-S -p 80 -c 3 {target}", "probe", "syn", 3, 0),
        ("-S -p 3255 -c 1 {target}", "probe", "syn", 2, 0),
        ("-F -p ++79 -c 6 {target}", "scan", "fin", 3, 1),
        ("-F -P -U -p ++79 -c 6 {target}", "scan", "xmas", 3, 0),
        ("-X -p ++79 -c 4 {target}", "scan", None, 2, 0),
        ("-Y -p ++79 -c 4 {target}", "scan", None, 2, 0),
        ("-A -p ++79 -c 6 {target}", "scan", "ack", 3, 1),
        ("-S -F -p ++79 -c 4 {target}", "scan", "syn-fin", 3, 0),
        ("-p ++79 -c 4 {target}", "scan", "null", 3, 0),
        ("--udp -p ++5000 -c 5 {target}", "scan", "udp", 3, 1),
        ("--udp -d 20 -p ++5000 -c 5 {target}", "scan", "udp", 2, 0),
        ("--scan 1-60 -S {target}", "scan", "syn", 2, 0),
    )
    return [
        kind._replace(
            name=f"hping3 {scan_type or 'odd flags'}",
            command=_HPING + command,
            truth=truth,
            scan_type=scan_type,
            full=full,
            short=short,
        )
        for command, truth, scan_type, full, short in commands
    ]


def _connects() -> list[Visit]:
    kind = Visit("netcat", "scan", scan_type="connect")
    each = "for p in 21 22 23 80 443 3255 6379 8081; do "
    python = {"act": "scan", "ports": [21, 22, 23, 25, 80, 81, 443, 3255, 6379, 8081]}
    scanner = Visit("connect scanner", "scan", scan_type="connect")
    return [
        kind._replace(command="ncat -z -w 2 {target} 80", truth="probe", full=3, short=1),
        kind._replace(command="ncat -w 2 {target} 6379", truth="probe", full=3, short=1),
        kind._replace(command=f"sh -c '{each}ncat -z -w 2 {{target}} $p; done'", full=3),
        kind._replace(command="nc -z -w 2 {target} 20-26", full=3),
        kind._replace(
            name="shell /dev/tcp",
            command=f"bash -c '{each}(exec 3<>/dev/tcp/{{target}}/$p); done'",
            full=4,
            short=1,
        ),
        scanner._replace(plan=python, full=5, short=2),
        scanner._replace(plan={**python, "reset": True}, full=5, short=1),
        scanner._replace(plan={**python, "ports": list(range(1, 200))}, full=3),
        scanner._replace(plan={**python, "pause": 1.0, "together": 1}, full=4, short=1),
        scanner._replace(plan={**python, "ports": [22, 80, 443, 6379]}, full=3, short=1),
        scanner._replace(plan={**python, "ports": [22, 80, 443, 3255]}, road="six", full=3),
        scanner._replace(plan=python, road="far", full=4, short=1),
    ]
