"""The weights that are installed: which there are and what their cards say. Loads no network."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from processing.detector.card_metadata import card_of
from processing.detector.joint_card import joint_card
from processing.detector.onnx_metadata import read_onnx_metadata
from processing.detector.protocol import DetectorCard
from processing.errors import WeightsInvalid, WeightsUnknown
from processing.params import ExtractionParams

WEIGHTS_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "weights"
SUFFIX = ".onnx"
JOINT = "+"
DEFAULT = "default"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
MEMBERS_MOST = 8


@dataclass(frozen=True, slots=True)
class Installed:
    """One set of weights. details: the model card as JSON, empty where none lies beside the file."""

    name: str
    path: Path
    card: DetectorCard
    details: Mapping[str, Any]

    @property
    def recommended_min_confidence(self) -> float | None:
        """The confidence that the model card recommends, if it does."""
        value = self.details.get("recommended_min_confidence")
        return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else None


@dataclass(frozen=True)
class Catalogue:
    """Weights lie in folders; of two files of one name the one in the earlier folder counts."""

    folders: tuple[Path, ...] = (WEIGHTS_FOLDER,)
    replaced: Mapping[str, Path] = field(default_factory=dict)
    """Files that stand for a name, wherever they lie."""

    def names(self) -> list[str]:
        """Return the names of all weights, the default first."""
        files = (file for folder in self.folders if folder.is_dir() for file in folder.glob(f"*{SUFFIX}"))
        found = {file.stem for file in files if NAME.fullmatch(file.stem)} | set(self.replaced)
        return sorted(found, key=lambda name: (name != DEFAULT, name))

    def path_of(self, name: str) -> Path:
        """Return the file of a name. Raises `WeightsUnknown`."""
        if name in self.replaced:
            return self.replaced[name]
        if NAME.fullmatch(name):
            for folder in self.folders:
                if (path := folder / f"{name}{SUFFIX}").is_file():
                    return path
        known = ", ".join(self.names()) or "none"
        raise WeightsUnknown(name=name[:64], detail=f"no weights of that name are installed (installed: {known})")

    def find(self, name: str) -> Installed:
        """Return one set of weights with its card. Raises `WeightsUnknown`, `WeightsInvalid`."""
        return replace(describe(self.path_of(name)), name=name)

    def installed(self) -> list[Installed]:
        """Return all weights that can be used; a file that is damaged is left out."""
        result = []
        for name in self.names():
            try:
                result.append(self.find(name))
            except WeightsInvalid:
                continue
        return result

    def card(self, weights: str) -> DetectorCard:
        """Return the card of a name, or of names joined by `+`. Raises `WeightsUnknown`, `WeightsInvalid`."""
        cards = [self.find(name).card for name in member_names(weights)]
        return cards[0] if len(cards) == 1 else joint_card(cards)


def recommended_confidence(members: Sequence[Installed]) -> float:
    """Return the lowest confidence that the cards recommend; the usual one where none does."""
    told = [value for member in members if (value := member.recommended_min_confidence) is not None]
    return min(told, default=ExtractionParams().min_confidence)


def member_names(weights: str) -> list[str]:
    """Return the names in "a+b", each once. Raises `WeightsUnknown` for more than a few."""
    names = list(dict.fromkeys(weights.split(JOINT)))
    if len(names) > MEMBERS_MOST:
        raise WeightsUnknown(name=weights[:64], detail=f"an ensemble has at most {MEMBERS_MOST} members")
    return names


def describe(path: Path) -> Installed:
    """Return what a file of weights and the card beside it say. Raises `WeightsInvalid`."""
    beside = path.with_suffix(".json")
    return _described(path, _state_of(path), _state_of(beside))


@lru_cache(maxsize=64)
def _described(path: Path, state: Sequence[int], beside: Sequence[int]) -> Installed:
    """Remember an answer for as long as the files are the same: the hash needs the whole file."""
    card = card_of(read_onnx_metadata(path), path)
    return Installed(path.stem, path, card, _details(path.with_suffix(".json"), card) if beside else {})


def _state_of(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_size, status.st_ino


def _details(path: Path, card: DetectorCard) -> Mapping[str, Any]:
    """Read a model card; one of other weights, left from before a file was replaced, counts as none."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    is_ours = isinstance(values, dict) and values.get("file:checksum_sha256") in (None, card.weights_sha256)
    return values if is_ours else {}
