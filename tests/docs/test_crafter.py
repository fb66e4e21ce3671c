"""The blocks of docs/how-to/crafter.md run, in order, as one script of few steps."""

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parent.parent.parent / "docs" / "how-to" / "crafter.md"
STEPS = re.compile(r"^STEPS, BATCH = [\d_]+, [\d_]+$", re.MULTILINE)


def test_the_page_runs(tmp_path):
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) == 5
    script = tmp_path / "page.py"
    script.write_text(STEPS.sub("STEPS, BATCH = 64, 64", "\n".join(blocks)))
    result = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-4000:]
    assert "You face" in result.stdout
