"""The drawer of the map page: scene, result, filters, export, layers. Widgets are bound to `MapFilters`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from pages import formats, job_text
from pages.layout import THIN_LINE
from pages.map.figure_panel import FigurePanel
from pages.map.filter_group import FilterGroup
from pages.map.filters import MapFilters
from pages.map.legend import LABELS, legend
from pages.map.sources import Source
from pages.markup import facts, heading, pane

if TYPE_CHECKING:
    from pages.export_progress import ExportPanel
    from pages.map.store import Origins
    from pages.projection import Bounds
    from processing.footprint_index.statistics import ViewStatistics
    from webapp.services.models import ExpectedView, ModelView
    from webapp.services.views import ImportView, JobView, SceneView

NO_SCENE = '<p class="bf-note">No imagery yet. <a class="bf-link" href="/upload">Upload a scene</a></p>'
NO_JOB = '<p class="bf-note">Nothing extracted from this scene yet. Draw a region, or take all of it, and press ' \
    "<b>Extract here</b>.</p>"


class Sidebar:
    """Builds the drawer and shows what the page hands it."""

    def __init__(self, filters: MapFilters, exports: ExportPanel, show_all: Callable[[], None]) -> None:
        self._filters = filters
        self._exports = exports
        self._has_jobs = False
        self._scene = _select(filters.param.scene_id, "")
        self._scene_facts = pane()
        self._job = _select(filters.param.job_id, "")
        self._everything = pmui.Switch.from_param(
            filters.param.everything, label="All my buildings", size="small", margin=0, description=""
        )
        self._everything.visible = False
        self._show_all = pmui.Button(label="Show all my buildings", icon="zoom_out_map", size="small", margin=0,
                                     variant="outlined", visible=False, sizing_mode="stretch_width",
                                     on_click=lambda _: show_all())
        self._scope = pmui.RadioButtonGroup(
            options={"Everything": False, "Current view": True}, value=filters.view_only, size="small",
            margin=0, sizing_mode="stretch_width",
        )
        self._scope.link(filters, value="view_only")
        self._figures = FigurePanel(filters)
        self.filters = FilterGroup(filters)
        self._expected = pane(visible=False)
        self._weights = _select(filters.param.weights, "")
        self._models = _section(heading("Detector"), self._weights)
        self._models.visible = False
        self._no_job = pane(NO_JOB, visible=False)
        self._legend = pane(legend(filters.style))
        filters.param.watch(self._show_legend, ["colour_by", "dark"])
        self._result = pn.Column(
            self._job, self._show_all, self._scope, *self._figures.items, self._expected, exports.panel,
            self.filters.item,
            visible=False, margin=0, sizing_mode="stretch_width", styles={"gap": "12px"},
        )
        self.items = [
            _section(heading("Scene, import or state"), self._scene, self._scene_facts),
            _section(heading("Result"), self._everything, self._no_job, self._result),
            self._models,
            _section(heading("Layers"), *_layers(filters), _colour_by(filters), self._legend),
        ]

    def show_origins(self, found: Origins, chosen: str | None) -> None:
        """Offer what there is and choose one; options without a choice would make Panel choose the first."""
        options = {scene.name if _single(scene, found.scenes) else _long(scene): scene.id for scene in found.scenes}
        names = [one.job.source for one in found.imports]
        options |= {_import_label(one, names): one.job.id for one in found.imports}
        options |= {f"{job.source} ({formats.when(job.created_at)})": job.id for job in found.states}
        self._scene.param.update(options=options, value=chosen, visible=bool(options))
        if not options:
            self._scene_facts.object = NO_SCENE

    def show_import(self, found: ImportView) -> None:
        """Show the facts of the chosen import."""
        self._scene_facts.object = facts([
            ("Imported", formats.when(found.job.finished_at)),
            ("Format", formats.text(found.report["format"])),
            ("CRS", formats.text(found.report["crs"])),
        ])

    def show_state(self, job: JobView) -> None:
        """Show the facts of the chosen job of a whole state."""
        self._scene_facts.object = facts([
            ("State", formats.text(job.source)),
            ("Scenes", job_text.scenes_done(job)),
            ("Asked for", formats.when(job.created_at)),
        ])

    def show_scene(self, scene: SceneView, area_m2: float) -> None:
        """Show the facts of the chosen scene."""
        crs = f"EPSG:{scene.epsg}" if scene.epsg else "custom"
        self._scene_facts.object = facts([
            ("Ground resolution", formats.gsd(scene.gsd_m)),
            ("Size", f"{formats.count(scene.width_px)} × {formats.count(scene.height_px)} px"),
            ("Area", formats.area(area_m2)),
            ("CRS", crs),
        ])

    def show_jobs(self, found: list[JobView], chosen: str | None) -> None:
        """Offer the jobs of the chosen scene and choose one."""
        options = unique_labels(found)
        if options != self._job.options or chosen != self._job.value:
            self._job.param.update(options=options, value=chosen)
        self._has_jobs = bool(found)
        self._show_what_there_is()

    def show_figures(self, found: ViewStatistics | None) -> None:
        """Show the key figures and the histograms; None: nothing is known."""
        self._figures.show(found)
        self.filters.show(found)
        self._exports.count(None if found is None else found.count)

    def offer_sources(self, found: list[Source]) -> None:
        """Offer to show the buildings of all sources, where there are others than those of a single extraction."""
        only_one = len(found) == 1 and found[0].is_scene
        self._everything.visible = (bool(found) and not only_one) or self._filters.everything
        self.filters.offer_sources(found)

    def show_scope(self) -> None:
        """Follow the choice between one job and everything."""
        self._job.visible = not self._filters.everything
        self._show_all.visible = self._filters.everything
        self._show_what_there_is()

    def _show_what_there_is(self) -> None:
        self._result.visible = self._has_jobs or self._filters.everything
        self._no_job.visible = not self._result.visible

    def _show_legend(self, *_: object) -> None:
        self._legend.object = legend(self._filters.style)

    def show_expected(self, found: ExpectedView | None) -> None:
        """Say how far the footprints shown can be trusted, where that is known."""
        self._expected.param.update(object=expected_line(found), visible=found is not None)

    def show_models(self, found: list[ModelView]) -> None:
        """Offer the weights of an extraction, where there is a choice."""
        options = {f"{model.title} · {formats.gsd(model.gsd_min_m)} to {formats.gsd(model.gsd_max_m)}": model.name
                   for model in found}
        if len(found) > 1:
            self._weights.param.update(options=options, value=found[0].name)
        self._models.visible = len(found) > 1

    def show_links(self, view_deg: Bounds | None) -> None:
        """Point the export buttons at what is shown."""
        query = self._filters.map_query() if self._filters.shows_something else None
        self._exports.point(query, view_deg, self._filters.region_wkt)


def unique_labels(found: list[JobView]) -> dict[str, str]:
    """Return the jobs' ids by label; jobs of the same minute are told apart by their id."""
    labels = [job_text.choice_label(job) for job in found]
    return {
        label if labels.count(label) == 1 else f"{label} · {job.id[:4]}": job.id
        for label, job in zip(labels, found, strict=True)
    }


def expected_line(found: ExpectedView | None) -> str:
    """Return what precision and recall mean for what is shown, as HTML."""
    if found is None:
        return ""
    parts = ((found.precision, "about {} of the buildings shown are right"), (found.recall, "{} of all are found"))
    words = ", ".join(text.format(formats.share(value)) for value, text in parts if value is not None)
    return f'<p class="bf-note" data-expected>At {found.threshold:.2f}: {words} (validation)</p>' if words else ""


def _select(parameter: Any, label: str) -> pmui.Select:
    return pmui.Select.from_param(parameter, label=label, options={}, size="small", margin=0,
                                  sizing_mode="stretch_width", variant="outlined", description="")


def _colour_by(filters: MapFilters) -> pmui.Select:
    return pmui.Select.from_param(filters.param.colour_by, label="Colours", options=LABELS, size="small",
                                  margin=(6, 0, 0, 0), sizing_mode="stretch_width", variant="outlined", description="")


def _layers(filters: MapFilters) -> list[Any]:
    return [
        _layer(filters.param.footprints_visible, filters.param.footprints_opacity, "Buildings"),
        _layer(filters.param.imagery_visible, filters.param.imagery_opacity, "Imagery"),
        pmui.Switch.from_param(filters.param.base_visible, label="Base map", size="small", margin=0, description=""),
    ]


def _layer(visible: Any, opacity: Any, label: str) -> pn.Row:
    switch = pmui.Switch.from_param(visible, label=label, size="small", margin=0, width=120, height=30,
                                    sizing_mode="fixed", description="")
    slider = pmui.FloatSlider.from_param(opacity, label="", show_value=False, step=0.05, size="small",
                                         margin=(0, 8, 0, 0), sizing_mode="stretch_width", tooltips=False,
                                         description="")
    return pn.Row(switch, slider, margin=0, sizing_mode="stretch_width", styles={"align-items": "center"})


def _section(*items: Any) -> pn.Column:
    styles = {"gap": "12px", "padding": "16px", "border-bottom": THIN_LINE}
    return pn.Column(*items, margin=0, sizing_mode="stretch_width", styles=styles)


def _import_label(found: ImportView, names: list[str]) -> str:
    name = found.job.source
    return f"{name} (import)" if names.count(name) == 1 else f"{name} · imported {formats.when(found.job.created_at)}"


def _single(scene: SceneView, found: list[SceneView]) -> bool:
    return sum(other.name == scene.name for other in found) == 1


def _long(scene: SceneView) -> str:
    return f"{scene.name} ({formats.when(scene.created_at)}, {scene.id[:4]})"
