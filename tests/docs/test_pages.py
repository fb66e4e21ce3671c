"""The pages under docs/ and the README are true: generated ones are current, code blocks run."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SPEC = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "reference" / "generate.py")
GENERATE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(GENERATE)
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs" / "tutorials").glob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\((?!https?://|#|mailto:)([^)#]+)[^)]*\)")


@pytest.mark.parametrize("name", GENERATE.PAGES)
def test_a_generated_page_is_what_the_catalogue_says(name):
    page = ROOT / "docs" / "reference" / name
    assert page.read_text() == GENERATE.PAGES[name](), "run `make reference`"


def test_the_readme_shows_the_ratios_that_were_measured():
    readme = (ROOT / "README.md").read_text()
    assert readme == GENERATE.with_speed(readme), "run `make reference`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_blocks_of_a_page_run_in_order(page, tmp_path):
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert blocks
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks))
    result = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/**/*.md")), ids=lambda p: p.name)
def test_links_between_pages_lead_somewhere(page):
    broken = [target for target in LINK.findall(page.read_text()) if not (page.parent / target).exists()]
    assert not broken
