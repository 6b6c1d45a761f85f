"""What there is to do for a state: which scenes of a person show it, and which piece of it each is to look at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shapely.geometry.base import BaseGeometry

from auth.principals import Principal
from models.queries.scenes import scenes_of
from models.scene import Scene
from processing.detector.protocol import DetectorCard
from processing.errors import AoiOutsideScene, ParameterInvalid, PixelSizeTooLarge, PixelSizeTooSmall
from processing.params import ExtractionParams
from processing.pipeline import plan_extraction
from processing.scene import SceneInfo
from processing.scene_shares import Candidate, overlapping_gaps, share_out
from processing.us_states import UsState
from processing.windows import working_grid
from webapp.resources import Resources
from webapp.services import models
from webapp.services.us_states import us_states
from webapp.state_errors import NoImagery

NAMED_MAX = 20


@dataclass(frozen=True)
class Imagery:
    """A scene that shows something of the state."""

    scene_id: str
    created_at: float
    info: SceneInfo

    @property
    def candidate(self) -> Candidate:
        """The scene as the sharing out sees it."""
        return Candidate(self.info.outline, self.info.gsd_m, self.info.valid_share, self.created_at)


@dataclass(frozen=True)
class PartPlan:
    """What is to be done on one scene. `region`: EPSG:4326, None for all of it."""

    scene_id: str
    region: BaseGeometry | None
    gsd_m: float
    windows: int


@dataclass(frozen=True)
class StatePlan:
    """What is to be done, and what the person should know about it."""

    state: UsState
    parts: tuple[PartPlan, ...]
    remarks: tuple[str, ...]

    @property
    def summary(self) -> str:
        """The plan in a sentence."""
        scenes = "1 scene" if len(self.parts) == 1 else f"{len(self.parts)} scenes"
        return f"{self.state.name}: {sum(part.windows for part in self.parts)} windows in {scenes}."


@dataclass(frozen=True, slots=True)
class StateView:
    """A state, and how many of a person's scenes show some of it. `bounds_deg`: west > east over the antimeridian."""

    name: str
    code: str
    fips: str
    bounds_deg: tuple[float, float, float, float]
    scenes: int


def list_states(resources: Resources, principal: Principal) -> list[StateView]:
    """Return all states by name, each with the number of the person's scenes that meet it."""
    states = us_states()
    outlines = [one.info.outline for one in _imagery(resources, principal)]
    met = states.meeting(outlines)[1].tolist() if outlines else []
    return [
        StateView(state.name, state.code, state.fips, state.bounds_deg, met.count(number))
        for number, state in enumerate(states)
    ]


def plan_state(resources: Resources, principal: Principal, state: str, params: ExtractionParams) -> StatePlan:
    """Share a state out among the person's own scenes, as an administrator's, too.

    Raises `StateUnknown`, `NoImagery`, `ParameterInvalid`, `WeightsUnknown`, `EnsembleInvalid`, and
    `PixelSizeTooLarge` or `PixelSizeTooSmall` where that holds for every scene.
    """
    if params.gsd_m is not None:
        rule = "the scenes of a state have each their own"
        raise ParameterInvalid(parameter="gsd_m", value=params.gsd_m, rule=rule)
    wanted, card = us_states().find(state), models.card_of(resources, params.weights)
    shown = _showing(wanted, _imagery(resources, principal))
    if not shown:
        raise NoImagery(state=wanted.name)
    fitting, misfits = _fitting(shown, card, params)
    shares = share_out([one.candidate for one in fitting], wanted.outline)
    parts = {fitting[share.scene].scene_id: _part(fitting[share.scene], share.region, card, params) for share in shares}
    unneeded = [one.info.name for one in fitting if parts.get(one.scene_id) is None]
    gappy = [fitting[number].info.name for number in overlapping_gaps([one.candidate for one in fitting], shares)]
    remarks = [
        *misfits,
        *_remark("Left out, because better imagery shows the same ground", unneeded),
        *_remark("These overlap and have gaps: buildings that several of them show come several times", gappy),
    ]
    found = tuple(part for part in parts.values() if part is not None)
    if not found:
        raise NoImagery(state=wanted.name)
    return StatePlan(wanted, found, tuple(remarks))


def _imagery(resources: Resources, principal: Principal) -> list[Imagery]:
    with resources.database.read(principal) as session:
        return [_known(scene) for scene in scenes_of(session, principal.user_id)]


def _known(scene: Scene) -> Imagery:
    return Imagery(scene.id, scene.created_at, SceneInfo.from_json(scene.info))


def _showing(state: UsState, imagery: Sequence[Imagery]) -> list[Imagery]:
    if not imagery:
        return []
    met = us_states().meeting([one.info.outline for one in imagery])
    numbers = list(us_states())
    return [imagery[scene] for scene, number in met.T.tolist() if numbers[number] == state]


def _fitting(
    imagery: Sequence[Imagery], card: DetectorCard, params: ExtractionParams
) -> tuple[list[Imagery], list[str]]:
    """Part the scenes that the weights can work on from remarks on the others."""
    fitting, misfits = [], []
    for one in imagery:
        try:
            working_grid(one.info, card, params)
            fitting.append(one)
        except (PixelSizeTooLarge, PixelSizeTooSmall) as error:
            misfits.append(error)
    if not fitting:
        raise misfits[0]
    return fitting, [f"Left out: {error}" for error in misfits]


def _part(
    imagery: Imagery, region: BaseGeometry | None, card: DetectorCard, params: ExtractionParams
) -> PartPlan | None:
    try:
        plan = plan_extraction(imagery.info, card, params, region)
    except AoiOutsideScene:  # a crumb on the edge
        return None
    return PartPlan(imagery.scene_id, region, imagery.info.gsd_m, plan.windows_total)


def _remark(text: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
        yield f"{text}: {', '.join(sorted(names)[:NAMED_MAX])}{more}."
