"""The blocks of docs/how-to/web-forms.md run, in order, as one script of few steps."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parent.parent.parent / "docs" / "how-to" / "web-forms.md"
STEPS = re.compile(r"^STEPS, BATCH = [\d_]+, [\d_]+$", re.MULTILINE)
OPTIONAL = "sb3_contrib"


def test_the_page_runs(web, tmp_path):
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) == 12
    if importlib.util.find_spec(OPTIONAL) is None:
        blocks = [block for block in blocks if OPTIONAL not in block]
    script = tmp_path / "page.py"
    script.write_text(STEPS.sub("STEPS, BATCH = 64, 64", "\n".join(blocks)))
    result = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-4000:]


def test_what_the_page_says_a_page_looks_like(web):
    """The first two blocks, and the output that stands below the first."""
    text = PAGE.read_text()
    block, shown = re.search(r"^```python\n(.*?)^```\n\n^```\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL).groups()
    result = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, timeout=120)
    assert result.stdout == shown
