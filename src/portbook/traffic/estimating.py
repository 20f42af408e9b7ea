"""The rates of the sequential test from what an engine has taken: sums over all of its sources."""

import numpy as np

from portbook.traffic.calibrating import Calibrated, calibrate, contribution
from portbook.traffic.engine import Engine
from portbook.traffic.source_facts import SourceFacts, Spoken
from portbook.traffic.trw import Rates


def estimate(engine: Engine, spoken: Spoken) -> Calibrated:
    """The rates of this traffic, and what they rest on. The tables stay as they are.

    Sources that are judged alike and have the same outcomes are asked for once.
    """
    facts = SourceFacts(engine, engine.standing(final=False), spoken, Rates())
    place, _ = facts.judged()
    sums = {"benign": [0, 0], "scanner": [0, 0]}
    if len(place):
        rows = facts.rows
        outcomes = (facts.columns[name][rows] for name in ("successes", "failures"))
        alike = np.stack((place, *outcomes), axis=1)
        _, example, sources = np.unique(alike, axis=0, return_index=True, return_counts=True)
        for row, number in zip(rows[example].tolist(), sources.tolist(), strict=True):
            told = contribution(facts.row(row))
            if told is not None:
                sums[told.side][0] += told.success * number
                sums[told.side][1] += told.total * number
    return calibrate(*sums["benign"], *sums["scanner"])
