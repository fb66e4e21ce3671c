"""`python -m envsuite.cli`: the `envsuite` command of exactly this interpreter, for processes that start others."""

from envsuite.cli.main import app

app(prog_name="envsuite")
