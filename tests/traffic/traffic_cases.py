"""All named sources: what they did and what they are."""

from traffic.cases_clients import NOT_SCANS
from traffic.cases_scanners import SCANS

CASES = (*SCANS, *NOT_SCANS)
