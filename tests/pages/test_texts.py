from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pages import formats, job_text
from pages.export_links import export_links, export_url
from pages.jobs.row import line
from pages.map.estimate_line import estimate_words
from pages.map.sidebar import expected_line, unique_labels
from pages.problems import UNEXPECTED, sentence_of
from processing.errors import CrsMissing
from webapp.errors import SceneInUse
from webapp.services.estimates import EstimateView, SpeedView
from webapp.services.footprints import FootprintQuery
from webapp.services.models import ExpectedView
from webapp.services.quotas import QuotaView
from webapp.services.views import JobView

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
JOB = JobView(
    id="0123456789ab",
    scene_id="s1",
    scene_name="<b>town</b>.tif",
    owner="ada",
    state="running",
    percent_completed=25.0,
    windows_done=1000,
    windows_total=4000,
    eta_s=125.0,
    footprint_count=1234,
    attempt=1,
    error_code=None,
    error_message=None,
    created_at=NOON,
    started_at=NOON + timedelta(seconds=2),
    finished_at=None,
    cancel_requested=False,
    params={},
    aoi_geojson=None,
)


@pytest.mark.parametrize(
    ("area_m2", "words"),
    [(0, "0.0 m²"), (99.94, "99.9 m²"), (5399.2, "5,399 m²"), (12_345, "1.23 ha"), (2_500_000, "2.50 km²")],
)
def test_areas(area_m2, words):
    assert formats.area(area_m2) == words


@pytest.mark.parametrize(("seconds", "words"), [(0.2, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (7260, "2 h 1 min")])
def test_durations(seconds, words):
    assert formats.duration(seconds) == words


@pytest.mark.parametrize(("size", "words"), [(12, "12 bytes"), (2_400_000, "2.4 MB"), (3_200_000_000, "3.2 GB")])
def test_sizes(size, words):
    assert formats.size(size) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(61, "1 min"), (5000, "83 min"), (5400, "2 h"), (100_000, "28 h"), (200_000, "2 days")]
)
def test_rough_durations(seconds, words):
    assert formats.rough_duration(seconds) == words


def test_an_estimate_in_words_says_where_its_time_comes_from():
    limited = QuotaView("jobs", 5, 1, 4, 3600.0)
    measured = EstimateView(1.3e6, 0.3, 1042, 371.0, SpeedView(2.8, 3), limited)
    assert estimate_words(measured) == "1,042 windows · about 6 min · 4 of 5 jobs left this hour"
    guessed = EstimateView(10.0, 0.3, 1, 0.4, SpeedView(2.8, 0), QuotaView("jobs", None, 7, None, 3600.0))
    assert estimate_words(guessed) == "1 window · under a minute (default speed)"


def test_progress_in_words():
    assert job_text.progress(JOB) == "1,000 of 4,000 windows · about 2 min 5 s left"
    assert job_text.progress(replace(JOB, eta_s=None)) == "1,000 of 4,000 windows"
    assert job_text.progress(replace(JOB, windows_total=0)) == "Reading the scene"
    assert job_text.progress(replace(JOB, state="queued", attempt=0)) == "Waiting for a free worker"
    assert job_text.progress(replace(JOB, cancel_requested=True)).startswith("Stopping")


def test_outcome_in_words():
    ended = replace(JOB, state="succeeded", finished_at=NOON + timedelta(seconds=72))
    assert job_text.outcome(ended) == "1,234 buildings found in 1 min 10 s"
    assert job_text.outcome(replace(ended, state="cancelled", footprint_count=1)) == "Cancelled; 1 building kept"
    assert job_text.outcome(replace(ended, state="failed", error_message="No CRS.")) == "No CRS."


def test_names_from_users_are_escaped():
    assert "<b>town" not in line(JOB, show_owner=True)
    assert "&lt;b&gt;town" in line(JOB, show_owner=True)
    assert "ada" not in line(JOB, show_owner=False)


def test_jobs_of_one_minute_keep_labels_of_their_own():
    others = [replace(JOB, id=name) for name in ("aaaa1", "bbbb2")]
    later = replace(JOB, id="cccc3", created_at=NOON + timedelta(minutes=1))
    assert list(unique_labels([*others, later]).values()) == ["aaaa1", "bbbb2", "cccc3"]


def test_export_addresses():
    job = FootprintQuery(job_id="j1")
    assert export_url("csv", job) == "/api/v1/buildings/export?job_id=j1&format=csv"
    narrowed = replace(job, min_confidence=0.5, max_area_m2=120.0, review_states=frozenset({"accepted", "rejected"}))
    url = export_url("kml", narrowed, (179.5, -17.0, -179.5, -16.0))
    assert "view=179.5000000,-17.0000000,-179.5000000,-16.0000000" in url
    for part in ("min_confidence=0.5", "max_area_m2=120", "review=accepted,rejected"):
        assert part in url
    assert "href" not in export_links(None)
    assert export_links(job).count("download") == 6


def test_sentences_of_coded_errors_are_shown_and_of_others_are_not():
    assert "no coordinate reference system" in sentence_of(CrsMissing(name="a.tif"))
    assert "unfinished jobs" in sentence_of(SceneInUse(name="a.tif"))
    assert sentence_of(RuntimeError("secret path")) == UNEXPECTED


def test_what_a_confidence_is_worth():
    at = ExpectedView(0.5, 0.62, 0.6, 0.7, 0.48, 0.4, 0.5)
    words = "At 0.50: about 62 % of the buildings shown are right, 48 % of all are found (validation)"
    assert words in expected_line(at)
    assert "right" not in expected_line(replace(at, precision=None))
    assert expected_line(replace(at, precision=None, recall=None)) == expected_line(None) == ""
