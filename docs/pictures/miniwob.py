"""Makes the contact sheets of the MiniWoB pages: `python docs/pictures/miniwob.py`."""

from __future__ import annotations

import argparse
import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from envsuite.catalogue import FAMILIES

SEED = 0
COLUMNS, GAP, LABEL = 6, 8, 14
"""Pages in a row; pixels between them, and of the line below each."""
BACK, INK = (228, 228, 231), (24, 24, 27)
LARGEST = 700_000
"""Bytes of a picture."""
SHEETS: Mapping[str, tuple[str, ...]] = {
    "miniwob-click.png": ("click",),
    "miniwob-fill.png": ("form", "app"),
    "miniwob-pointer.png": ("geometry", "drag", "waiting"),
}
"""Picture -> groups of the pages on it. The flight pages are on none: they show the marks of airlines."""
SIZES = tuple((fields, elements) for fields in (3, 5, 8, 12, 16, 20) for elements in (0, 10))
"""Fields, and elements that the instruction does not mention, of the generated forms."""
FORMS_ID = "envsuite/miniwob-forms-v1"
Labelled = tuple[str, NDArray[np.uint8]]


@contextlib.contextmanager
def opened(task_id: str) -> Iterator[gymnasium.Env[Any, Any]]:
    """Yields an environment that draws."""
    with contextlib.closing(gymnasium.make(task_id, render_mode="rgb_array")) as env:
        yield env


def first_page(task_id: str) -> NDArray[np.uint8]:
    """Returns the picture of a task's first observation."""
    with opened(task_id) as env:
        env.reset(seed=SEED)
        return np.asarray(env.render())


def task_pages(groups: Sequence[str]) -> list[Labelled]:
    """Returns the pages of some groups, group by group in the order of the catalogue, without the forms."""
    tasks = [(group, task) for group in groups for task in FAMILIES["miniwob"].tasks if group in task.tags]
    return [(task.kwargs["page"], first_page(task.id)) for _, task in tasks if task.id != FORMS_ID]


def form_pages() -> list[Labelled]:
    """Returns generated forms of several sizes, with what lies below the window too."""
    found = []
    with opened(FORMS_ID) as env:
        page = env.unwrapped.page
        for index, (fields, elements) in enumerate(SIZES):
            env.reset(seed=SEED + index, options={"task": np.array([fields, elements, 1])})
            asked = {"expression": "document.getElementById('wrap').offsetHeight", "returnByValue": True}
            height = page.browser.session_call(page, "Runtime.evaluate", asked)["result"]["value"]
            window = {"width": env.unwrapped.window_size[0], "height": height, "deviceScaleFactor": 1, "mobile": False}
            page.browser.session_call(page, "Emulation.setDeviceMetricsOverride", window)
            data = page.browser.screenshots([page])[0]
            label = f"{fields} fields" + (f", {elements} more" if elements else "")
            width = env.unwrapped.page_size[0]
            found.append((label, np.asarray(Image.open(io.BytesIO(data)).convert("RGB").crop((0, 0, width, height)))))
    return found


def sheet(pages: Sequence[Labelled], path: Path) -> None:
    """Writes the pages in rows, each over its name, with at most 256 colours."""
    width = pages[0][1].shape[1]
    rows = [pages[start : start + COLUMNS] for start in range(0, len(pages), COLUMNS)]
    heights = [max(page.shape[0] for _, page in row) + LABEL + GAP for row in rows]
    picture = Image.new("RGB", (COLUMNS * (width + GAP) + GAP, sum(heights) + GAP), BACK)
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(11)
    for index, row in enumerate(rows):
        top = GAP + sum(heights[:index])
        for column, (name, page) in enumerate(row):
            left = GAP + column * (width + GAP)
            picture.paste(Image.fromarray(page), (left, top))
            pen.text((left, top + page.shape[0]), name, INK, font)
    picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    if path.stat().st_size > LARGEST:
        raise SystemExit(f"{path}: expected at most {LARGEST} bytes, got {path.stat().st_size}")


def main(folder: Path) -> None:
    """Writes every sheet into a folder."""
    with opened("envsuite/miniwob-click-test-v1"):  # a browser ends with its last page; this one stays
        for name, groups in SHEETS.items():
            sheet(task_pages(groups), folder / name)
        sheet(form_pages(), folder / "miniwob-forms.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="where the pictures go")
    main(parser.parse_args().out)
