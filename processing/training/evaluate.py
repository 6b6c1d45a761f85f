"""Measure weights on labelled sources: what `./run evaluate` does. Needs no torch."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from processing.detector.protocol import Detector
from processing.errors import LabelsInvalid, OutputNotWritable, ParameterInvalid
from processing.training.data_folder import source_folder, source_names
from processing.training.labelled_windows import read_windows
from processing.training.measuring import MeasuredWindow, measure_windows
from processing.training.recipe import shipped_gsd_m
from processing.training.report import Measuring

OnSource = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class LabelledData:
    """Which labels to measure on. gsd_m: for images that tell no ground sampling distance."""

    folder: Path
    sources: tuple[str, ...] = ()
    """Names of the sources; all by default."""
    gsd_m: float | None = None
    every: int = 1
    """Take each n-th window only, for a quick look."""

    def names(self) -> list[str]:
        """Return the sources to measure. Raises `LabelsInvalid`, `ParameterInvalid`."""
        if self.every < 1:
            raise ParameterInvalid(parameter="every", value=self.every, rule="it must be 1 or more")
        known = source_names(self.folder)
        for name in self.sources:
            if name not in known:
                raise LabelsInvalid(name=str(self.folder), detail=f"there is no source {name}, only {', '.join(known)}")
        return list(self.sources or known)


def measure_sources(
    detector: Detector,
    data: LabelledData,
    *,
    keep_pictures: bool = False,
    on_window: OnSource = lambda name, done: None,
) -> dict[str, list[MeasuredWindow]]:
    """Run the detector over all windows of all sources. Raises `LabelsInvalid`."""
    measured: dict[str, list[MeasuredWindow]] = {}
    for name in data.names():
        card = detector.card
        gsd_m = data.gsd_m or shipped_gsd_m(name)
        folder = source_folder(data.folder, name)
        windows = read_windows(folder, gsd_m, card.scale, card.window_px, data.every)
        measured[name] = []
        for window in measure_windows(detector, windows, keep_pictures=keep_pictures):
            measured[name].append(window)
            on_window(name, len(measured[name]))
    return measured


def measuring_of(detector: Detector, data: LabelledData, threshold: float | None = None) -> Measuring:
    """Describe a measuring for its report."""
    card = detector.card
    return Measuring(card.name, card.weights_sha256, data.every, threshold)


def require_folder(path: Path) -> None:
    """Refuse an output that has no folder, before minutes of work. Raises `OutputNotWritable`."""
    if not path.absolute().parent.is_dir():
        raise OutputNotWritable(name=str(path), detail="its folder does not exist")


def write_json(path: Path, values: object) -> None:
    """Write values whole or not at all. Raises `OutputNotWritable`."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputNotWritable(name=str(path), detail=(error.strerror or "unknown reason").lower()) from error
