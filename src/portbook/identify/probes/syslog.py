"""syslog: takes messages, and never answers."""

from portbook.identify.probe import Probe

PROBE = Probe(
    name="syslog",
    title="syslog",
    source="RFC 5424, RFC 3164, RFC 6587",
    services=("syslog", "syslog-conn"),
    ports=(514, 601),
    programs=("rsyslogd", "rsyslog", "syslog-ng", "syslogd"),
    transports=("udp", "tcp"),
    sink=True,
)
