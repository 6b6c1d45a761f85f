"""The map page: puts canvas, drawing, results and job together for one person."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import panel as pn
from bokeh.io import curdoc

from pages.background import Background
from pages.map.action_bar import ActionBar
from pages.map.address import fields_of, narrowing_of, region_of
from pages.map.canvas import MapCanvas
from pages.map.drawing import Mode
from pages.map.drawing_control import DrawingControl
from pages.map.estimate_line import EstimateLine
from pages.map.filters import SHOWN, MapFilters
from pages.map.job_watch import JobEvents, JobWatch
from pages.map.known import Known
from pages.map.layers import LayerControl
from pages.map.result_view import ResultView
from pages.map.sources import Source
from pages.map.store import MapStore, Origins, geometry_of, overlap_area_m2
from pages.map.toolbar import zoom_overlay
from pages.map.welcome import welcome
from pages.projection import bounds_to_map, to_map
from pages.scene_text import scene_area_m2
from pages.session import Session
from webapp.services.footprint_maps import MapQuery
from webapp.services.footprints import FootprintQuery

if TYPE_CHECKING:
    from shapely import Polygon

    from webapp.services.views import JobView, SceneView

VIEW_SETTLES_MS = 250
TICK_MS = 1000
LISTS_EVERY_TICKS = 15


class MapApp:
    """One open map page. `asked`: the fields of its address (`pages.map.address`)."""

    def __init__(self, session: Session, asked: Mapping[str, str]) -> None:
        self._store = MapStore(session)
        self._document = curdoc()
        self._background = Background(self._document)
        self._asked = asked
        self._known = Known()
        self._ticks = 0
        self._moving: Any = None
        self.filters = MapFilters()
        self.canvas = MapCanvas()
        self._layers = LayerControl(
            self.canvas, self._background, self.filters, session.resources.settings.basemap_url_template
        )
        self.result = ResultView(self._store, self._background, self.filters, self.canvas, self._show_sources)
        self._estimate = EstimateLine(self._store, self._background)
        self._action = ActionBar(self.filters, self._estimate.pane, extract=self._extract, cancel=self._cancel)
        looks = {"on_region": self._region_drawn, "on_look": self.result.select_at}
        self._drawing = DrawingControl(self.canvas, self._background, **looks)
        events = JobEvents(changed=self._action.show_job, ended=self._job_ended)
        self._watch = JobWatch(self._store, self._background, events)
        self._welcome = welcome()
        self._listen()

    @property
    def main(self) -> pn.Column:
        """The map with everything that lies over it."""
        soon = self._background.soon
        overlays = [
            self._drawing.toolbar.overlay,
            zoom_overlay(
                zoom_in=partial(soon, self.canvas.zoom, 2.0),
                zoom_out=partial(soon, self.canvas.zoom, 0.5),
                fit=partial(soon, self._fit_scene),
            ),
            self.result.details.overlay,
            self._action.overlay,
            self._welcome,
            self._drawing.glue,
        ]
        chart = pn.pane.Bokeh(self.canvas.figure, sizing_mode="stretch_both", margin=0)
        return pn.Column(chart, *overlays, sizing_mode="stretch_both", margin=0, styles={"position": "relative"})

    def open(self) -> None:
        """Read what there is, once the page is up."""
        self._read_scenes()
        self._background.run("models", self._store.models, self.result.sidebar.show_models)
        self.filters.param.update(**narrowing_of(self._asked))
        region = region_of(self._asked)
        if region is not None:
            self._drawing.take_region(region)
            self.filters.region_only = self.filters.region_m is not None
        self.result.watch()
        self._background.every(TICK_MS, self._tick)

    def _listen(self) -> None:
        plot = self.canvas.figure
        for side in ("start", "end"):
            plot.x_range.on_change(side, self._view_moving)
            plot.y_range.on_change(side, self._view_moving)
        plot.on_change("inner_width", self._resized)
        plot.on_change("inner_height", self._resized)
        self.filters.param.watch(lambda *_: self._background.soon(self._scene_chosen), ["scene_id"])
        self.filters.param.watch(lambda *_: self._background.soon(self._job_chosen), ["job_id"])
        self.filters.param.watch(lambda *_: self._background.soon(self._show_target), ["weights"])
        self.filters.param.watch(lambda *_: self._background.soon(self._remember), [*SHOWN, "region_m"])

    # --- scenes -----------------------------------------------------------------------------------------------

    @property
    def _scene(self) -> SceneView | None:
        return (self._known.scenes or {}).get(self.filters.scene_id or "")

    def _read_scenes(self) -> None:
        self._background.run("scenes", self._store.origins, self._show_origins, self._action.refuse)

    def _show_origins(self, found: Origins) -> None:
        self._layers.start()
        is_new = self._known.take(found)
        self._welcome.visible = not self._known.origins and not self.filters.everything
        if is_new:
            self.result.sidebar.show_origins(found, self._origin_choice())

    def _show_sources(self, found: list[Source]) -> None:
        """Offer all buildings, where there are others than those of the chosen job; show them if that is all."""
        self.result.sidebar.offer_sources(found)
        nothing_to_choose = self._known.scenes is not None and not self._known.origins
        if found and nothing_to_choose and not self.filters.everything:
            self.filters.everything = True
            self._welcome.visible = False
            self.result.show_all()

    def _origin_choice(self) -> str | None:
        ids = self._known.origins
        for wanted in (self.filters.scene_id, self._asked.get("scene")):
            if wanted in ids:
                return wanted
        return ids[0] if ids else None

    def _scene_chosen(self) -> None:
        scene = self._scene
        self._known.jobs, self._known.jobs_of = {}, None
        self._watch.leave()
        self._action.forget_job()
        self.filters.job_id = None
        if scene is None:
            self._layers.show_scene(None)
            self.canvas.set_outline(None)
            self._action.overlay.visible = False
            self._import_chosen()
            return
        self._layers.show_scene(scene.id)
        self.canvas.set_outline(to_map(geometry_of(scene.outline_geojson)))
        self.result.sidebar.show_scene(scene, scene_area_m2(scene))
        self._fit_scene()
        self._show_target()
        self._read_jobs()

    def _import_chosen(self) -> None:
        """Show the footprints of a file or of a whole state, which have no imagery of their own."""
        chosen = self.filters.scene_id or ""
        if (found := self._known.imports.get(chosen)) is not None:
            self.result.sidebar.show_import(found)
        elif (state := self._known.states.get(chosen)) is not None:
            self.result.sidebar.show_state(state)
        else:
            return
        self._fit_scene()
        self._read_jobs()

    def _fit_scene(self) -> None:
        found = self._known.imports.get(self.filters.scene_id or "")
        if self._scene is not None:
            self.canvas.fit(bounds_to_map(self._scene.bounds_deg))
        elif found is not None and found.report["bounds_deg"] is not None:
            self.canvas.fit(bounds_to_map(tuple(found.report["bounds_deg"])))
        elif (state := self._known.states.get(self.filters.scene_id or "")) is not None:
            self.canvas.fit(bounds_to_map(self._store.state_bounds_deg(state)))
            work = partial(self._store.extent, MapQuery(FootprintQuery(job_id=state.id)))
            self._background.run("extent", work, lambda bounds_m: bounds_m and self.canvas.fit(bounds_m))

    # --- jobs -------------------------------------------------------------------------------------------------

    def _read_jobs(self) -> None:
        scene_id = self.filters.scene_id
        if scene_id is not None:
            show = partial(self._show_jobs, scene_id)
            self._background.run("jobs", partial(self._store.jobs_of, scene_id), show, self._action.refuse)

    def _show_jobs(self, scene_id: str, found: list[JobView]) -> None:
        if scene_id != self.filters.scene_id:
            return
        self._known.jobs = {job.id: job for job in found}
        self.result.sidebar.show_jobs(found, self._known.job_choice(self.filters.job_id, self._asked.get("job")))
        self._known.jobs_of = scene_id
        self._remember()

    def _job_chosen(self) -> None:
        job = self._known.jobs.get(self.filters.job_id or "")
        if job is None:
            return
        self._watch.follow(job)
        if job.state in ("succeeded", "cancelled"):
            self._action.forget_job()
        else:
            self._action.show_job(job)
        self._remember()

    def _extract(self) -> None:
        scene_id = self.filters.scene_id
        if scene_id is None:
            return
        region, weights = self._drawing.drawing.region, self.filters.weights
        self._action.busy(True)
        work = partial(self._store.extract, scene_id, region, weights)
        self._background.run("extract", work, self._started, self._refused)

    def _started(self, job: JobView) -> None:
        self._action.busy(False)
        self._estimate.again()
        self._known.jobs = {job.id: job, **self._known.jobs}
        self.result.sidebar.show_jobs(list(self._known.jobs.values()), job.id)

    def _refused(self, sentence: str) -> None:
        self._action.busy(False)
        self._action.refuse(sentence)

    def _cancel(self) -> None:
        job_id = self._watch.job_id
        if job_id is not None:
            self._background.run("cancel", lambda: self._store.cancel(job_id), self._action.show_job, self._refused)

    def _job_ended(self, job: JobView) -> None:
        self.result.refresh()
        self._estimate.again()
        self._read_jobs()
        if job.state == "succeeded":
            work = partial(self._store.statistics, FootprintQuery(job_id=job.id))
            self._background.run("ended", work, partial(self._action.show_result, job))

    # --- view and time ----------------------------------------------------------------------------------------

    def _region_drawn(self, region: Polygon | None) -> None:
        self.filters.draw_region(region)
        self._show_target()

    def _show_target(self) -> None:
        scene = self._scene
        if scene is None:
            return
        drawing = self._drawing.drawing
        region = drawing.region
        area_m2 = scene_area_m2(scene) if region is None else overlap_area_m2(scene, region)
        self._action.show_target(scene.name, region is not None, area_m2)
        self._estimate.ask((scene.id, region, self.filters.weights) if area_m2 > 0 else None)
        if drawing.mode is not Mode.LOOK:
            self.result.deselect()

    def _resized(self, attr: str, old: object, new: object) -> None:
        self.canvas.resized()
        self._view_moving(attr, old, new)

    def _view_moving(self, attr: str, old: object, new: object) -> None:
        if self._moving is not None:
            self._document.remove_timeout_callback(self._moving)
        self._moving = self._document.add_timeout_callback(self._view_moved, VIEW_SETTLES_MS)

    def _view_moved(self) -> None:
        self._moving = None
        self.result.view_moved()

    def _tick(self) -> None:
        self._ticks += 1
        self.canvas.footprints.tick()
        self._watch.tick()
        if self._ticks % LISTS_EVERY_TICKS == 0:
            self._read_scenes()
            self._read_jobs()

    def _remember(self) -> None:
        """Keep the choice in the address, so that loading the page again shows the same."""
        location = pn.state.location
        if location is None or self._known.jobs_of != self.filters.scene_id:
            return
        search = "?" + urlencode(fields_of(self.filters), safe=":,~")
        if location.search != search:
            location.search = search


