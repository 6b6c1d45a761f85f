"""What the choices of a map page mean: as a query, in words, and in the page's address."""

import datetime as dt
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from shapely import box

from pages.export_links import export_url
from pages.map.address import fields_of, narrowing_of, region_of
from pages.map.filter_words import active_line
from pages.map.filters import CORNERS_MAX, NARROWING, MapFilters
from pages.map.result_view import footprints_url
from pages.map.review_words import REVIEW_WORDS
from pages.map.sources import Source, sources_of, unlike
from pages.projection import to_map
from tests.pages.test_texts import JOB
from webapp.api.schemas.buildings import ExportQuery
from webapp.api.schemas.filters import MapFilterParams
from webapp.services.footprint_index import REVIEW_CODES
from webapp.services.views import SceneView

REGION_M = to_map(box(8.0, 47.0, 8.01, 47.01))
DAY = dt.date(2026, 3, 1)


@pytest.fixture
def narrowed():
    """Filters with everything set."""
    filters = MapFilters(everything=True, region_m=REGION_M)
    filters.param.update(
        min_confidence=0.35, max_confidence=0.9, area_m2=(40.0, 1200.0), review="accepted", created_from=DAY,
        created_to=DAY + dt.timedelta(days=2), source="scene:s1", region_only=True,
    )  # fmt: skip
    return filters


def as_the_api_reads(url, model):
    fields = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    known = {name: value for name, value in fields.items() if name in model.model_fields}
    return model.model_validate(known).map_query()


def test_every_state_of_review_has_its_words_in_the_order_of_the_index():
    assert list(REVIEW_WORDS) == list(REVIEW_CODES)


def test_tiles_figures_and_downloads_mean_the_same_footprints(narrowed):
    shown = narrowed.map_query()
    assert shown.region.bounds == pytest.approx((8.0, 47.0, 8.01, 47.01), abs=1e-6)
    assert as_the_api_reads(footprints_url(narrowed, "r1"), MapFilterParams) == shown
    assert as_the_api_reads(export_url("csv", narrowed.query(), None, narrowed.region_wkt), ExportQuery) == shown


def test_days_are_whole_and_in_utc(narrowed):
    query = narrowed.query()
    assert query.created_from_s == dt.datetime(2026, 3, 1, tzinfo=dt.UTC).timestamp()
    assert query.created_to_s - query.created_from_s == 3 * 86400


def test_a_source_counts_only_among_all_buildings(narrowed):
    assert (narrowed.query().scene_id, narrowed.query().job_id) == ("s1", None)
    narrowed.source = "job:j7"
    assert (narrowed.query().scene_id, narrowed.query().job_id) == (None, "j7")
    narrowed.param.update(everything=False, job_id="j1")
    assert (narrowed.query().scene_id, narrowed.query().job_id) == (None, "j1")


def test_a_drawn_region_filters_nothing_until_it_is_said_and_nothing_once_it_is_gone():
    filters = MapFilters(job_id="j1")
    filters.draw_region(REGION_M)
    assert not filters.is_narrowed
    assert filters.map_query().region is None
    filters.region_only = True
    assert filters.is_narrowed
    assert filters.map_query().region is not None
    filters.draw_region(None)
    assert not filters.is_narrowed
    filters.draw_region(REGION_M.centroid.buffer(5, quad_segs=CORNERS_MAX))
    assert filters.region_m is None


def test_clearing_takes_all_filters_away(narrowed):
    assert narrowed.is_narrowed
    narrowed.widen()
    assert not narrowed.is_narrowed
    assert narrowed.query() == MapFilters(everything=True).query()
    assert active_line(narrowed, {}) == ""


def test_active_filters_in_words(narrowed):
    line = active_line(narrowed, {"scene:s1": "<town>.tif"})
    assert line == (
        "Only confidence 0.35 to 0.90, 40 to 1,200 m², right, of 2026-03-01 to 2026-03-03, from &lt;town&gt;.tif, "
        "in the drawn area"
    )
    narrowed.widen()
    for first, last, words in ((DAY, None, "since"), (None, DAY, "until"), (DAY, DAY, "of")):
        narrowed.param.update(created_from=first, created_to=last)
        assert active_line(narrowed, {}) == f"Only {words} 2026-03-01"


def test_the_address_of_a_page_shows_the_same_again(narrowed):
    again = MapFilters(region_m=region_of(fields_of(narrowed)))
    again.param.update(region_only=True, **narrowing_of(fields_of(narrowed)))
    assert again.query() == narrowed.query()
    assert again.region_m.equals_exact(narrowed.region_m, 0.02)
    assert fields_of(MapFilters()) == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"confidence": "0.5"}, {"confidence": "-1~2"}, {"area": "9~3"}, {"area": "nan~1"}, {"review": "maybe"},
        {"from": "yesterday"}, {"source": "drop table"}, {"confidence": "a~b"},
    ],
)  # fmt: skip
def test_what_makes_no_sense_in_an_address_is_left_out(fields):
    MapFilters().param.update(**narrowing_of(fields))
    assert not set(narrowing_of(fields)) & set(NARROWING)


@pytest.mark.parametrize("wkt", ["POINT (1 2)", "POLYGON ((", "", "POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))"])
def test_a_region_that_is_none_is_left_out(wkt):
    assert region_of({"region": wkt}) is None


def scene(name, key):
    return SceneView(id=key, name=name, width_px=1, height_px=1, band_count=3, dtype="uint8", epsg=None, gsd_m=0.3,
                     bounds_deg=(0, 0, 1, 1), size_bytes=1, created_at=JOB.created_at, outline_geojson={})  # fmt: skip


def test_sources_are_scenes_then_their_extractions_then_what_has_no_scene():
    scenes = [scene("a.tif", "s1"), scene("b.tif", "s2"), scene("empty.tif", "s3")]
    jobs = [replace(JOB, id=name) for name in ("j1", "j2")]
    jobs += [replace(JOB, id="j3", scene_id="s2"), replace(JOB, id="j4", scene_id=None, scene_name="file.parquet")]
    pairs = [("j1", "s1"), ("j2", "s1"), ("j3", "s2"), ("j4", ""), ("gone", "s9")]
    found = sources_of(pairs, scenes, [*jobs, replace(JOB, id="j5")])
    assert [source.key for source in found] == ["scene:s1", "job:j1", "job:j2", "scene:s2", "job:j4"]
    assert found[-1].label == "file.parquet"
    assert list(unlike([Source("job:aaaaa", "x"), Source("job:bbbbb", "x")])) == ["x (aaaa)", "x (bbbb)"]
