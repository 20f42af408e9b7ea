"""GDB's remote protocol: told by the program alone, and never asked.

A gdbserver has one client; without --multi it is done when that one leaves. QEMU stops the machine
as soon as somebody connects.
"""

from portbook.identify.probe import Probe

_HOSTS = ("", "localhost", "127.0.0.1", "0.0.0.0", "[::1]", "[::]", "::1", "::")

PROBE = Probe(
    name="gdbserver",
    title="GDB remote debugging",
    source="GDB manual, appendix E: GDB Remote Serial Protocol; QEMU, GDB usage",
    # Where `qemu -s` waits, which does not name it.
    ports=(1234,),
    programs=("gdbserver", "lldb-server", "debugserver"),
    # Other listeners of the same virtual machine may well be asked.
    commands=tuple(f"-gdb tcp:{host}:{{port}}" for host in _HOSTS),
    fragile=True,
)
