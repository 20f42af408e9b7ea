"""JDWP, Java's debugger protocol: told by the command line alone, and never asked.

Its handshake is the greeting of a debugger. A program that waits for one (`suspend=y`) starts to
run when we leave again (tried with OpenJDK 17), and nobody else can attach while we are there.
"""

from portbook.identify.probe import Probe

# The address may be the agent's first option or a later one.
_BEFORE = (",", "-agentlib:jdwp=", "-xrunjdwp:")
_HOSTS = ("", "*:", "localhost:", "127.0.0.1:", "0.0.0.0:", "[::1]:", "[::]:", "::1:", ":::")

PROBE = Probe(
    name="jdwp",
    title="Java debugger (JDWP)",
    source="Java Debug Wire Protocol, Oracle; the agent's options in its -agentlib:jdwp=help",
    ports=(5005,),
    commands=tuple(f"{before}address={host}{{port}}" for before in _BEFORE for host in _HOSTS),
    fragile=True,
)
