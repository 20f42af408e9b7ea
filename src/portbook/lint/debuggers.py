"""The numbers on which debuggers listen, or are listened for, unless they are told otherwise."""

DEBUGGERS = frozenset(
    (
        *(9229, 9230, 5678, 5679, 5005, 5006, 8787, 9222, 9223, 6000, 9003, 2345, 40000, 4711),
        *(1234, 3333, 6499),
    )
)
"""Node.js, debugpy, JDWP, JBoss, Chrome, Firefox, Xdebug, Delve, gdbserver, OpenOCD."""

XDEBUG_2 = 9000
"""Xdebug before its third version; many other programs have this number too."""
