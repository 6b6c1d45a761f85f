import json
import shutil

import pytest
from playwright.sync_api import expect

from auth.principals import SYSTEM
from models.job import ProcessingJob
from processing.params import ExtractionParams
from tests.support.made_weights import write_weights
from tests.support.processes import wait_until
from webapp.services import jobs, models

AT = ("precision", "precision_low", "precision_high", "recall", "recall_low", "recall_high")
ROWS = [
    {"threshold": step / 20, **dict.fromkeys(AT[:3], 0.3 + step / 40), **dict.fromkeys(AT[3:], 1 - step / 20)}
    for step in range(1, 20)
]


@pytest.fixture
def own_weights(site):
    folder = site.resources.settings.data_dir / "weights"
    folder.mkdir()
    write_weights(folder / "own.onnx", name="own")
    card = {"recommended_min_confidence": 0.4, "evaluation": {"expected": ROWS}}
    (folder / "own.json").write_text(json.dumps(card))
    yield "own"
    shutil.rmtree(folder)


def test_another_detector_is_chosen_and_the_map_says_what_its_confidence_is_worth(
    screen, scene, site, owner, own_weights
):
    job = jobs.submit_extraction(site.resources, owner, scene.id, ExtractionParams(0.4, weights=own_weights))
    done = wait_until(lambda: jobs.get_job(site.resources, owner, job.id).is_finished, 90, "the extraction")
    assert done
    with site.resources.database.write(SYSTEM) as session:  # the test's worker does not run the installed file
        found = models.card_of(site.resources, own_weights)
        session.get(ProcessingJob, job.id).weights_sha256 = found.weights_sha256
    screen.open_map(scene.id, job.id)
    line = screen.page.get_by_text("At 0.40: about 50 % of the buildings shown are right, 60 % of all are found")
    expect(line).to_be_visible()
    expect(screen.page.get_by_role("heading", name="Detector")).to_be_visible()
    screen.page.get_by_role("combobox").filter(has_text="default").click()
    screen.page.get_by_text("own 1 · 5.0 cm to 1.50 m").click()
    screen.button("Extract here").click()
    wait_until(
        lambda: (
            jobs.list_jobs(site.resources, owner, limit=1)[0].params["weights"] == "own"
            and jobs.list_jobs(site.resources, owner, limit=1)[0].id != job.id
        ),
        30,
        "a job with the chosen weights",
    )
    assert jobs.list_jobs(site.resources, owner, limit=1)[0].params["min_confidence"] == 0.4
