"""Real clients: what a service is there for. None of them may ever be called a scan."""

from tools.traffic_openers import TLS
from tools.traffic_stage import GONE6
from tools.traffic_visit import Visit

_GET = b"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n".hex()
_KEPT = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n".hex()
_PING = b"*1\r\n$4\r\nPING\r\n".hex()
_METRIC = b"requests:1|c|#host:a".hex()
_SYSLOG = b"<13>Nov 23 15:00:00 a app: began".hex()
_NTP = "230006200000000000000000000000000000000000000000" + "00" * 16 + "e8f1a2b3c4d5e6f7"
_SSH = (
    "ssh -F none -b {source} -o BatchMode=yes -o StrictHostKeyChecking=no "
    "-o UserKnownHostsFile=/dev/null "
)
_PSQL = "psql -h {target} -U bed -d postgres -c 'select 1'"
_PYTHON_KEPT = (
    "import http.client, time\n"
    'c = http.client.HTTPConnection("{target}", 80)\n'
    "for _ in range(4):\n c.request('GET', '/'); c.getresponse().read(); time.sleep(0.5)\n"
)
_PYTHON_RETRY = (
    "import time, urllib.request\n"
    "for i in range(14):\n"
    " try: urllib.request.urlopen('http://{target}:9000/', timeout=2).read()\n"
    " except OSError: pass\n"
    " time.sleep(0.7)\n"
)
_PYTHON_MAIL = (
    "import smtplib\ns = smtplib.SMTP('{target}', 25, timeout=5)\ns.ehlo(); s.noop(); s.quit()\n"
)
_NODE = (
    "const http = require('http'); let n = 0;"
    "function go() {{ if (n++ > 10) return; const later = () => setTimeout(go, 800);"
    " http.get('http://{target}:PORT/', r => {{ r.resume(); r.on('end', later) }})"
    ".on('error', later) }} go()"
)
_HAPROXY = (
    "defaults\n mode tcp\n timeout connect 1s\n timeout client 9s\n timeout server 9s\n"
    "listen a\n bind 127.0.0.1:{number}\n"
)
_CHROMIUM = (
    "chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run "
    "--ignore-certificate-errors --user-data-dir={home}/profile --dump-dom "
)


def visits() -> list[Visit]:
    """Every client and health check."""
    return [
        *_web(),
        *_others(),
        *_datagrams(),
        *_stubborn(),
        *_many(),
        *_quiet(),
        *_checks(),
        *_far(),
        *_systems(),
    ]


def _client(name: str, *command: str, full: int = 2, short: int = 0) -> Visit:
    return Visit(name, "client", command=" ".join(command), full=full, short=short)


def _python(name: str, script: str, full: int = 3, short: int = 1) -> Visit:
    return _client(
        name, f'/usr/bin/python3 -c "{script.replace(chr(34), chr(39))}"', full=full, short=short
    )


def _web() -> list[Visit]:
    both = f"curl -s --resolve a.example:80:[{GONE6}],{{target}} http://a.example/"
    six = Visit("curl over IPv6", "client", road="six", full=3, short=1)
    return [
        _client("curl", "curl -s http://{target}/", full=4, short=1),
        _client("curl", "curl -s --http1.0 http://{target}:8000/"),
        _client("curl", "curl -sI http://{target}:8404/"),
        _client("curl", "curl -s -X POST -d a=b http://{target}/"),
        _client("curl, kept alive", "curl -s http://{target}/[1-5]", full=3, short=1),
        _client("curl, parallel", "curl -s -Z http://{target}/[1-8]", full=3, short=1),
        _client("curl, https", "curl -sk https://{target}/", full=4, short=1),
        _client("curl, https", "curl -s https://{target}/", full=2),
        _client("wget", "wget -q -O /dev/null http://{target}:8000/"),
        _client("chromium", _CHROMIUM, "http://{target}/", full=2, short=1),
        _client("chromium", _CHROMIUM, "https://{target}/", full=1),
        _python("Python http.client", _PYTHON_KEPT),
        _client("Node http", f'node -e "{_NODE.replace("PORT", "80")}"', short=1),
        six._replace(command="curl -s http://[{target6}]/"),
        six._replace(command="curl -s http://[{target6}]:8000/ http://[{target6}]:8000/"),
        Visit("curl, IPv6 fails first", "client", command=both, both=True, full=3, short=1),
        _client("openssl s_client", "openssl s_client -connect {target}:443"),
    ]


def _others() -> list[Visit]:
    six = Visit("", "client", road="six", full=2)
    ssh = Visit("ssh", "client", raw=True)
    return [
        ssh._replace(command=_SSH + "nobody@{target} true", full=4, short=1),
        ssh._replace(command=_SSH + "-o ConnectionAttempts=3 nobody@{target} true"),
        six._replace(name="ssh over IPv6", command=_SSH + "nobody@{target6} true", raw=True),
        _client("psql", f"env PGPASSWORD=bed {_PSQL}", full=4, short=1),
        _client("psql, wrong password", f"env PGPASSWORD=no {_PSQL}", full=3, short=1),
        _client("redis-cli", "redis-cli -h {target} ping", full=3, short=1),
        _client("redis-cli", "redis-cli -h {target} -r 5 -i 0.5 incr a", full=3),
        six._replace(name="redis-cli over IPv6", command="redis-cli -h {target6} ping"),
        _client("mosquitto_sub", "mosquitto_sub -h {target} -t a -W 5", full=4, short=1),
        _client("mosquitto_pub", "mosquitto_pub -h {target} -t a -m b"),
        _client("git clone", "git clone -q git://{target}/a.git {home}/a", full=3, short=1),
        _client("git ls-remote", "git ls-remote git://{target}/a.git", full=3),
        _client("rsync", "rsync rsync://{target}/", full=3, short=1),
        _client("rsync", "rsync rsync://{target}/files/"),
        _python("Python smtplib", _PYTHON_MAIL),
        _client("curl, ftp", "curl -s ftp://{target}/"),
        _client("curl, imap", "curl -s imap://{target}/ -u a:b", full=3),
        _client("curl, telnet to redis", "sh -c 'echo PING | curl -sm 2 telnet://{target}:6379'"),
    ]


def _datagrams() -> list[Visit]:
    send = {"act": "send"}
    dig = "dig +tries=2 +timeout=2 @{target} "
    return [
        _client("dig", dig, "www.example A", full=4, short=1),
        _client("dig", dig, "example MX +noedns", full=2),
        _client("dig, TCP", dig, "+tcp example SOA", full=4, short=1),
        _client("chronyd -Q", "chronyd -U -Q -t 8 'server {target} iburst'", full=3, short=1),
        Visit(
            "SNTP",
            "client",
            plan={**send, "ports": [123], "data": _NTP, "times": 3, "every": 1.0},
            full=3,
            short=1,
        ),
        _client("logger", "logger -n {target} -P 514 -d hello", full=3, short=1),
        Visit(
            "syslog sender",
            "client",
            plan={**send, "ports": [514], "data": _SYSLOG, "times": 8, "anew": False},
            full=3,
        ),
        Visit(
            "statsd sender",
            "client",
            plan={**send, "ports": [8125], "data": _METRIC, "times": 20, "anew": False},
            full=4,
            short=1,
        ),
    ]


def _stubborn() -> list[Visit]:
    """Clients of a service that is stopped for some seconds, or that is not there at all."""
    again = {"act": "retry", "ports": [9000], "data": _GET}
    closed = {"act": "retry", "ports": [8081], "data": _GET}
    plan = Visit("retrying client", "client", full=3, short=1)
    late = "--retry 6 --retry-connrefused --retry-delay 1 http://{target}:9000/"
    return [
        plan._replace(plan={**again, "times": 12, "pause": 0.8}),
        plan._replace(plan={**again, "times": 6, "pause": 0.3, "grow": 2.0}),
        plan._replace(plan={**again, "times": 30, "pause": 0.2, "stop": True}),
        _python("Python urllib, retrying", _PYTHON_RETRY),
        _client("Node http, retrying", f'node -e "{_NODE.replace("PORT", "9000")}"', short=1),
        _client("curl --retry", f"curl -s {late}", full=4, short=1),
        plan._replace(name="client of a closed port", plan={**closed, "times": 8, "pause": 1.0}),
        plan._replace(
            name="client of a closed port",
            plan={**closed, "times": 6, "pause": 0.2, "grow": 2.0},
            short=0,
        ),
        plan._replace(
            name="client of a closed port",
            plan={**closed, "ports": [6380], "data": _PING, "times": 15, "pause": 0.5},
            short=0,
        ),
    ]


def _many() -> list[Visit]:
    """Those that come to many ports, and are no scan: monitoring, and what waits for a host."""
    ours = [21, 22, 25, 80, 143, 443, 1883, 5432, 6379, 8000]
    closed = [8081, 8082, 8083, 8084, 8085, 8086, 8087, 8088, 8089]
    check = {"act": "check", "ports": ours, "every": 3.0, "times": 8}
    retry = {"act": "retry", "ports": closed, "data": _GET, "times": 6, "pause": 2.0}
    some = [80, 8000, 8404, *closed[:4]]
    return [
        Visit("monitoring of many ports", "health-check", plan=check, full=3, short=1),
        Visit(
            "monitoring of many ports, some down",
            "health-check",
            plan={**check, "ports": ours[:5] + closed[:4]},
        ),
        Visit("client of nine services that are down", "client", plan=retry, full=3, short=1),
        Visit("client of services, some down", "client", plan={**retry, "ports": some}),
    ]


def _quiet() -> list[Visit]:
    idle = Visit("idle connection", "client", full=2)
    return [
        idle._replace(plan={"act": "idle", "port": 80, "data": _KEPT}, full=3, short=1),
        idle._replace(plan={"act": "idle", "port": 6379, "data": _PING}, full=3),
        idle._replace(plan={"act": "idle", "port": 5432, "seconds": 10.0}, name="idle pool"),
        idle._replace(
            name="monitoring scrape",
            plan={"act": "retry", "ports": [8404], "data": _GET, "times": 10, "pause": 1.0},
            full=3,
            short=1,
        ),
    ]


def _checks() -> list[Visit]:
    """Checks that only ask whether a port accepts; and such that speak the port's protocol."""
    tcp = Visit("tcpSocket check", "health-check", full=3)
    plan = {"act": "check", "every": 1.0, "times": 20}
    made = [
        tcp._replace(plan={**plan, "ports": [80]}, full=4, short=1),
        tcp._replace(plan={**plan, "ports": [5432], "reset": True}, short=1),
        tcp._replace(plan={**plan, "ports": [22], "every": 2.0, "times": 10}),
        tcp._replace(plan={**plan, "ports": [9000], "times": 30}, name="tcpSocket check, down"),
        tcp._replace(plan={**plan, "ports": [80]}, road="far"),
        tcp._replace(plan={**plan, "ports": [8000]}, road="six", full=2),
    ]
    loop = "sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do nc -z -w 1 {target} 6379; sleep 1; done'"
    made.append(Visit("nc -z, each second", "health-check", command=loop, full=3, short=1))
    kinds = (
        ("check", "", 80, "health-check"),
        ("check", "", 6379, "health-check"),
        ("http check", " mode http\n option httpchk GET /\n", 80, "client"),
        ("redis check", " option redis-check\n", 6379, "client"),
        ("smtp check", " option smtpchk\n", 25, "client"),
    )
    for name, option, port, truth in kinds:
        text = f"{_HAPROXY}{option} server b {{target}}:{port} check inter 1s\n"
        command = f"sh -c 'printf \"{text}\" >{{home}}/c; exec haproxy -db -f {{home}}/c'"
        command = command.replace("\n", "\\n")
        made.append(Visit(f"haproxy {name}", truth, command=command, through=True, full=2, short=1))
    return made


def _far() -> list[Visit]:
    """Clients over a road that loses 5 to 20 of 100 packets, late by a third of a second."""
    far = Visit("", "client", road="far", full=4)
    commands = (
        ("curl, bad road", "curl -s http://{target}/", 8, 2),
        ("curl, bad road", "curl -sk https://{target}/[1-3]", 6, 1),
        ("curl, bad road", "curl -s -Z http://{target}/[1-6]", 4, 0),
        ("ssh, bad road", _SSH + "nobody@{target} true", 4, 1),
        ("psql, bad road", f"env PGPASSWORD=bed {_PSQL}", 4, 1),
        ("redis-cli, bad road", "redis-cli -h {target} -r 4 -i 0.3 ping", 5, 1),
        ("mosquitto_sub, bad road", "mosquitto_sub -h {target} -t a -W 6", 3, 0),
        ("dig, bad road", "dig +tries=3 +timeout=2 @{target} www.example A", 6, 1),
        ("git, bad road", "git ls-remote git://{target}/a.git", 3, 0),
    )
    retry = {"act": "retry", "ports": [9000], "data": _GET, "times": 8, "pause": 1.0}
    return [
        *(
            far._replace(name=name, command=command, raw="ssh" in name, full=full, short=short)
            for name, command, full, short in commands
        ),
        far._replace(name="retrying client, bad road", plan=retry, short=1),
        far._replace(
            name="idle connection, bad road",
            plan={"act": "idle", "port": 80, "data": _KEPT, "seconds": 6.0},
        ),
    ]


def _systems() -> list[Visit]:
    """Clients whose TCP is another system's: small devices send what scanners send, too."""
    connect = "101000044d5154540402003c0004" + b"lamp".hex()
    client = Visit("", "client", road="stack")
    talks = (
        ("Windows 11", 80, _KEPT, 2, 1),
        ("Windows 11, window 65535", 443, TLS, 2, 0),
        ("macOS", 80, _KEPT, 2, 1),
        ("macOS, DF lost on the way", 80, _KEPT, 2, 0),
        ("FreeBSD", 6379, _PING, 2, 0),
        ("OpenBSD", 22, b"SSH-2.0-OpenSSH_9.7\r\n".hex(), 2, 0),
        ("lwIP device", 1883, connect, 4, 1),
        ("Cisco IOS", 22, b"SSH-2.0-Cisco-1.25\r\n".hex(), 3, 1),
        ("uIP device", 80, _KEPT, 3, 1),
        ("Windows XP", 80, _KEPT, 2, 0),
    )
    made = [
        client._replace(
            name=f"{system} stack",
            plan={"system": system, "port": port, "data": data, "times": 4},
            full=full,
            short=short,
        )
        for system, port, data, full, short in talks
    ]
    often = {"system": "lwIP device", "port": 1883, "data": connect, "times": 12, "every": 1.5}
    once = {"system": "lwIP device", "port": 80, "data": _GET}
    closed = {"system": "lwIP device", "port": 8883, "data": connect, "times": 8}
    return [
        *made,
        client._replace(name="lwIP device stack", plan=often),
        client._replace(name="lwIP device stack", plan=once, full=3),
        client._replace(name="lwIP device stack, closed port", plan=closed, full=3, short=1),
    ]
