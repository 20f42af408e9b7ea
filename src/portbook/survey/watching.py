"""Watching ports: packets in, a verdict for each source out, joined with what our ports speak."""

from collections.abc import Callable, Iterator
from ipaddress import IPv4Network, IPv6Network

from portbook.model.errors import EnvironmentFault
from portbook.model.record import Record
from portbook.model.traffic import Ours, Traffic
from portbook.model.unknown import Gap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.survey.watching_speaks import Spoken
    from portbook.traffic.captures import Capture
    from portbook.traffic.engine import Engine
    from portbook.traffic.packets import Packets

Network = IPv4Network | IPv6Network

_KEPT_BYTES = 64 << 20
"""Of a capture's beginning, kept until it is told which side is ours."""
_UNCLEAR = "; that is not certain: say it with --host"


class Watching(Record):
    """What is watched, and how it is judged.

    `ports` have a transport each, or None for all; no port at all means every one. `networks` are
    ours as given. `rates` are theta0 and theta1 of the sequential test, `calibrate` estimates them.
    `listed` sources are told one by one (0: all); `chosen` says that it is enough for who asked, so
    that the others are no gap. `each_port` of every watched port are told at least. No more
    than `most_sources` are told apart (None: as many as can be).
    """

    ports: tuple[tuple[int, str | None], ...] = ()
    networks: tuple[Network, ...] = ()
    rates: tuple[float, float] | None = None
    calibrate: bool = False
    listed: int = 20
    chosen: bool = True
    most_sources: int | None = None
    each_port: int = 0


class Calibration(Record):
    """Rates of the sequential test that were estimated, and in sentences what they rest on.

    `theta0` is how often a first contact of a benign source succeeds, `theta1` one of a scanner.
    """

    theta0: float
    theta1: float
    basis: tuple[str, ...]


class Watched(Record):
    """What was seen, and the calibration where one was asked for.

    `by_connections`: packets could not be seen, and connections were looked at instead.
    """

    traffic: Traffic
    calibration: Calibration | None = None
    by_connections: bool = False


def watch_capture(
    path: str,
    watching: Watching,
    progress: Callable[[int, int | None], None],
    ended: Callable[[float], bool] | None = None,
) -> Watched:
    """Judge a capture file (`-`: standard input).

    Args:
        path: pcap or pcapng, plain or packed.
        watching: what to watch.
        progress: called with the bytes that were read and their total, None where it is unknown.
        ended: asked after each batch with 0 whether that is enough; what was read is judged.

    Raises:
        EnvironmentFault: no capture, or a package that is needed is not installed.
    """
    require_numpy()
    from portbook.traffic.captures import Capture
    from portbook.traffic.engine import Engine

    passed: dict[str, int] = {}
    with Capture(path) as capture:
        batches = _batches(capture, passed, progress, ended)
        first: list[Packets] = []
        ours = Ours(tuple(text_of(each) for each in watching.networks), "given")
        networks = watching.networks
        if not networks:
            networks, ours, first = _inferred(batches, watching)
        engine = Engine(watching.ports, networks, watching.most_sources)
        while first:
            engine.take(first.pop(0))
        for batch in batches:
            engine.take(batch)
        gaps = tuple(capture.gaps)
    for reason, number in passed.items():
        engine.passed[reason] = engine.passed.get(reason, 0) + number
    return summary(engine, watching, ours, heard_by(engine), gaps=gaps)


def require_numpy() -> None:
    """Say in one line what is missing where numpy is.

    Raises:
        EnvironmentFault: numpy is not installed, or cannot be loaded.
    """
    import os

    # Nothing here is linear algebra, whose threads would cost 20 ms and memory at the start.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        import portbook.traffic.packets  # noqa: F401 - whether it can be loaded is the question
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == "numpy"
        why = "is not installed" if missing else "cannot be loaded"
        raise EnvironmentFault(
            f"watching packets needs numpy, which {why}",
            hint="pip install 'portbook[watch]', or ./scripts/portbook watch in a clone",
        ) from error


def heard_by(engine: "Engine") -> "Spoken":
    """What our ports speak, by their own replies up to now."""
    from portbook.survey.watching_speaks import heard
    from portbook.traffic.openers import recognise

    return heard(samples_of(engine), recognise)


def samples_of(engine: "Engine") -> dict[tuple[str, int], list[tuple[bytes, bytes]]]:
    """The first words of some conversations, by own transport and port."""
    return {(transport, port): pairs for transport, port, pairs in engine.speech.samples()}


def summary(
    engine: "Engine",
    watching: Watching,
    ours: Ours,
    spoken: "Spoken",
    *,
    gaps: tuple[Gap, ...] = (),
    dropped: int | None = None,
    final: bool = True,
) -> Watched:
    """What an engine has taken, judged as `watching` says."""
    from portbook.traffic.reporting import report
    from portbook.traffic.trw import Rates

    rates, calibration = Rates(), None
    if watching.rates is not None:
        rates = rates._replace(theta0=watching.rates[0], theta1=watching.rates[1])
    elif watching.calibrate:
        from portbook.traffic.estimating import estimate

        found = estimate(engine, spoken)
        rates = found.rates
        calibration = Calibration(rates.theta0, rates.theta1, found.sentences)
    traffic = report(
        engine,
        ours=ours,
        spoken=spoken,
        listed=watching.listed,
        name_unlisted=not watching.chosen,
        each_port=watching.each_port,
        rates=rates,
        dropped=dropped,
        gaps=gaps,
        final=final,
    )
    return Watched(traffic, calibration)


def _batches(
    capture: "Capture",
    passed: dict[str, int],
    progress: Callable[[int, int | None], None],
    ended: Callable[[float], bool] | None,
) -> "Iterator[Packets]":
    from portbook.traffic.columns import packets_of

    for frames in capture.frames():
        yield packets_of(frames, passed)
        progress(capture.position, capture.size)
        if ended is not None and ended(0):
            return


def _inferred(
    batches: "Iterator[Packets]", watching: Watching
) -> "tuple[tuple[Network, ...], Ours, list[Packets]]":
    """Our networks by the first packets, how that was told, and those packets."""
    from portbook.traffic.sides import ENOUGH, infer

    first: list[Packets] = []
    packets = size = 0
    while packets < ENOUGH and size < _KEPT_BYTES:
        batch = next(batches, None)
        if batch is None:
            break
        first.append(batch)
        packets += len(batch)
        size += len(batch.buffer)
    sides = infer(first, watching.ports)
    how = sides.how if sides.clear else f"{sides.how}{_UNCLEAR}"
    return sides.networks, Ours(tuple(text_of(each) for each in sides.networks), how), first


def text_of(network: Network) -> str:
    """An address, where the network holds no other."""
    alone = network.prefixlen == network.max_prefixlen
    return str(network.network_address if alone else network)
