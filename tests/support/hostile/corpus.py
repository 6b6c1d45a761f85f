"""The whole corpus, in a fixed order, and the lures that its files point to."""

from tests.support.hostile.archive_files import archive_cases
from tests.support.hostile.case import Case
from tests.support.hostile.disguised_files import disguised_cases
from tests.support.hostile.name_files import name_cases
from tests.support.hostile.place_files import place_cases
from tests.support.hostile.tiff_files import tiff_cases
from tests.support.hostile.vector_files import vector_cases

COSTLY = {
    "one strip of 498 MB in 0.5 MB",
    "GeoJSON ring of a million corners",
    "GeoJSON 100,000 properties",
    "GeoJSON 50,000 holes",
    "GeoJSONSeq of 200,000 broken lines",
    "parquet that grows 1,000 times",
}
"""Seconds each, to make or to check; the benchmark takes them, too."""


def all_cases() -> list[Case]:
    """Return every case; names are unique."""
    cases = [*tiff_cases(), *place_cases(), *disguised_cases(), *name_cases(), *archive_cases(), *vector_cases()]
    assert len({(case.group, case.name) for case in cases}) == len(cases)
    return cases
