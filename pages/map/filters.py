"""What the map shows, as parameters that widgets are bound to and others watch."""

import param


class MapFilters(param.Parameterized):
    """The choices of one open map page."""

    scene_id = param.String(default=None, allow_None=True, doc="The chosen scene.")
    job_id = param.String(default=None, allow_None=True, doc="The job whose footprints are shown.")
    min_confidence = param.Number(default=0.0, bounds=(0.0, 1.0), doc="Footprints below this are hidden.")
    weights = param.String(default=None, allow_None=True, doc="The weights of the next extraction; None: the default.")
    view_only = param.Boolean(default=False, doc="Whether figures and exports cover the current view only.")
    base_visible = param.Boolean(default=True, doc="Whether the base map is drawn.")
    imagery_visible = param.Boolean(default=True, doc="Whether the scene's imagery is drawn.")
    imagery_opacity = param.Number(default=1.0, bounds=(0.0, 1.0), doc="Opacity of the imagery.")
    footprints_visible = param.Boolean(default=True, doc="Whether footprints are drawn.")
    footprints_opacity = param.Number(default=0.9, bounds=(0.0, 1.0), doc="Opacity of the footprints.")
    dark = param.Boolean(default=False, doc="Whether the page has its dark look.")
