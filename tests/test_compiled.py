import pytest

import envsuite.compiled as subject
from envsuite.compiled import Compiler


def compiler(*files):
    return Compiler("toy", "Toy", files)


class Fresh:
    """An entry point that nothing has called yet."""

    signatures = ()

    @staticmethod
    def py_func():
        pass


Fresh.py_func.__name__ = "run_rows"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "engine.py"
    path.write_text("one")
    return path


def test_the_folder_depends_on_what_is_in_every_file(file, tmp_path):
    other = tmp_path / "rules.py"
    other.write_text("rules")
    before = compiler(file, other).folder
    assert compiler(other, file).folder == before
    assert compiler(file).folder != before
    other.write_text("other rules")
    assert compiler(file, other).folder != before
    assert compiler(file, other).folder.parent == before.parent
    assert before.name.startswith("toy-")


def test_the_folder_lies_where_numba_is_told_to_keep_its_code(file, tmp_path, monkeypatch):
    monkeypatch.setattr(subject._config, "CACHE_DIR", str(tmp_path / "cache"))
    assert compiler(file).folder.parent == tmp_path / "cache"


def test_an_entry_point_gives_what_the_function_does(file):
    twice = compiler(file).entry_point(lambda x: 2 * x)
    assert twice(21) == 42


def test_without_a_folder_to_write_to_it_is_told_and_compiled_each_time(file, monkeypatch, capsys):
    def refuse(*args, **options):
        if options.get("cache"):
            raise RuntimeError("no locator available")
        return lambda function: function

    monkeypatch.setattr(subject, "_njit", refuse)
    assert compiler(file).entry_point(len) is len
    told = capsys.readouterr().err
    assert "so Toy is compiled anew every time; set NUMBA_CACHE_DIR" in told


def test_the_first_compilation_is_told_and_no_other(file, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(subject._config, "CACHE_DIR", str(tmp_path))
    toy = compiler(file)
    with toy.announced(Fresh):
        pass
    told = capsys.readouterr().err
    assert "compiling Toy's run_rows" in told
    assert "compiled in 0 s" in told
    toy.folder.mkdir()
    (toy.folder / "run.run_rows-1.py311.nbi").touch()
    with toy.announced(Fresh):
        pass
    assert capsys.readouterr().err == ""
