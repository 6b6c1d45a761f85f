"""What somebody sees who has no imagery yet."""

import panel as pn

from pages.markup import pane

TEXT = """
<div class="bf-welcome">
  <h2>Start with an image</h2>
  <p>Upload a georeferenced aerial or satellite image (GeoTIFF, 1 m per pixel or finer). It appears here as a layer of
  the map. Then draw a region, or take the whole image, and let the buildings be found. Footprints that you have already
  can be imported.</p>
  <a class="bf-link bf-strong" href="/upload">Upload imagery or footprints</a>
</div>
"""


def welcome() -> pn.pane.HTML:
    """Return the card, hidden until it is known that there is no scene."""
    styles = {"position": "absolute", "left": "50%", "top": "46%", "transform": "translate(-50%, -50%)",
              "z-index": "22", "width": "min(420px, calc(100% - 40px))"}
    return pane(TEXT, visible=False, sizing_mode=None, styles=styles)
