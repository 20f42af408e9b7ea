"""A signal for us when whoever started us ends: PR_SET_PDEATHSIG of prctl(2)."""

from collections.abc import Callable

_SET_DEATH_SIGNAL = 1


def death_signal() -> Callable[[int], object] | None:
    """What asks the kernel for such a signal, by its number; None where it cannot be asked.

    Everything is loaded here, so that a process which was just forked can call it.
    """
    try:
        # prctl(2) has no door of its own in the standard library.
        import _ctypes
    except ImportError:
        return None
    library = _ctypes.dlopen(None, 0)  # type: ignore[arg-type] # None is the program
    prctl = _ctypes.dlsym(library, "prctl")
    return lambda number: _ctypes.call_function(prctl, (_SET_DEATH_SIGNAL, int(number)))
