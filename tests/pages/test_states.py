"""What the pages show of jobs of whole states."""

from dataclasses import replace

from pages import job_text
from pages.jobs.parts_table import SHOWN_MAX, parts_html
from pages.jobs.row import line
from pages.jobs.state_card import StateCard
from pages.map.sources import Source, sources_of
from tests.pages.test_texts import JOB
from webapp.services.state_planning import StateView
from webapp.services.state_views import PartView

WHOLE = replace(
    JOB, kind="state", scene_id=None, scene_name=None, us_state="Georgia", parts_total=12, parts_ended=3, eta_s=None
)
PART = PartView("p1", "s1", "<i>a.tif", "running", 5, 10, 0, None, None)


def state(code, scenes):
    return StateView(f"State {code}", code, "00", (0.0, 0.0, 1.0, 1.0), scenes)


def test_a_whole_state_says_how_many_of_its_scenes_are_done():
    assert job_text.progress(WHOLE) == "1,000 of 4,000 windows · 3 of 12 scenes"
    assert job_text.progress(replace(WHOLE, state="queued")) == "Waiting for a free worker · 3 of 12 scenes"
    assert job_text.scope(WHOLE) == "whole state, 12 scenes"
    assert job_text.scope(replace(WHOLE, parts_total=1)) == "whole state, 1 scene"


def test_its_name_leads_to_the_map_once_there_are_buildings():
    assert 'href="/?scene=0123456789ab&amp;job=0123456789ab"' in line(WHOLE, False).replace("&job", "&amp;job")
    assert "href" not in line(replace(WHOLE, footprint_count=0), False)


def test_parts_that_went_wrong_come_first_and_what_people_wrote_is_text():
    failed = replace(PART, id="p2", state="failed", error_code="SceneEmpty", error_message="<b>empty</b>")
    done = replace(PART, id="p3", state="succeeded", footprint_count=1234)
    html = parts_html([done, PART, failed])
    assert [html.index(f'data-part="{name}"') for name in ("p2", "p1", "p3")] == sorted(
        html.index(f'data-part="{name}"') for name in ("p1", "p2", "p3")
    )
    assert "&lt;b&gt;empty" in html
    assert "&lt;i&gt;a.tif" in html
    assert "5 of 10 windows" in html
    assert "1,234 buildings" in html


def test_a_list_of_thousands_says_how_many_it_leaves_out():
    html = parts_html([replace(PART, id=f"p{number}") for number in range(SHOWN_MAX + 1500)])
    assert html.count("data-part") == SHOWN_MAX
    assert "and 1,500 more" in html


def test_the_card_offers_states_and_keeps_what_was_chosen():
    started = []
    card = StateCard(started.append)
    card.show([])
    assert not card.view.visible
    card._clicked()
    card.show([state("GA", 3), state("AL", 1)])
    assert card.view.visible
    assert card._choice.options == {"State GA · 3 scenes": "GA", "State AL · 1 scene": "AL"}
    card._choice.value = "AL"
    card.show([state("AL", 2), state("GA", 3)])
    card._clicked()
    card.show([state("GA", 3)])
    card._clicked()
    assert started == ["AL", "GA"]


def test_a_state_is_a_source_of_buildings_once_it_has_some():
    empty = replace(WHOLE, id="e", footprint_count=0)
    assert sources_of([("part", "s1")], [], [WHOLE, empty]) == [Source(f"job:{WHOLE.id}", "Georgia")]
