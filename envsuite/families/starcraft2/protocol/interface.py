"""Interface: what a client asks to see, checked and understood."""

from __future__ import annotations

import math
from typing import Any

from envsuite.families.starcraft2.engine.screen import Screen

MOST_PIXELS = 1024
"""Of a side of a picture."""
_WIDEST = 1024.0


def problem_of(options: Any) -> str:
    """Returns what the simulator cannot give of the protocol's InterfaceOptions, "" where there is nothing."""
    if options.HasField("render"):
        return "render: expected no RGB pictures, got a request for them; the simulator has feature layers only"
    if options.raw_crop_to_playable_area:
        return "raw_crop_to_playable_area: expected false, got true; the simulator tells whole maps' coordinates"
    if not options.HasField("feature_layer"):
        return ""
    setup = options.feature_layer
    if not (math.isfinite(setup.width) and 0.0 < setup.width <= _WIDEST):
        return f"feature_layer.width: expected more than 0 and at most {_WIDEST:g} world units, got {setup.width}"
    for name in ("resolution", "minimap_resolution"):
        size = getattr(setup, name)
        if not (0 < size.x <= MOST_PIXELS and 0 < size.y <= MOST_PIXELS):
            return f"feature_layer.{name}: expected 1 to {MOST_PIXELS} pixels a side, got {size.x} x {size.y}"
    return ""


def screen_of(options: Any) -> Screen:
    """Returns the size of a client's pictures; one without pictures has a screen of the usual width, too."""
    if not options.HasField("feature_layer"):
        return Screen()
    setup = options.feature_layer
    size, minimap = setup.resolution, setup.minimap_resolution
    return Screen(setup.width, size.x, size.y, minimap.x, minimap.y, int(setup.crop_to_playable_area))
