"""GDB's remote protocol: told by the program alone, and never asked.

A gdbserver has one client; without --multi it is done when that one leaves.
"""

from portbook.identify.probe import Probe

PROBE = Probe(
    name="gdbserver",
    title="GDB remote debugging",
    source="GDB manual, appendix E: GDB Remote Serial Protocol",
    programs=("gdbserver", "lldb-server", "debugserver"),
    commands=("qemu-system-x86_64 -s ", " -gdb tcp:"),
    fragile=True,
)
