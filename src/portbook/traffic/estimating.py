"""The rates of the sequential test from what an engine has taken: sums over all of its sources."""

import numpy as np

from portbook.traffic.calibrating import Calibrated, calibrate, contribution
from portbook.traffic.engine import Engine
from portbook.traffic.source_facts import SourceFacts, Spoken
from portbook.traffic.trw import Rates


def estimate(engine: Engine, spoken: Spoken) -> Calibrated:
    """The rates of this traffic, and what they rest on. The tables stay as they are.

    A source counts with at most 255 contacts, as it is judged: a scan of every port would be the
    whole estimate otherwise.
    """
    facts = SourceFacts(engine, engine.standing(final=False), spoken, Rates())
    place, _ = facts.judged()
    sums = {"benign": [0, 0], "scanner": [0, 0]}
    if len(place):
        _, example, sources = np.unique(place, return_index=True, return_counts=True)
        for row, number in zip(facts.rows[example].tolist(), sources.tolist(), strict=True):
            told = contribution(facts.row(row, clipped=True))
            if told is not None:
                sums[told.side][0] += told.success * number
                sums[told.side][1] += told.total * number
    return calibrate(*sums["benign"], *sums["scanner"])
