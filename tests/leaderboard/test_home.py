from pathlib import Path

from envsuite.leaderboard.home import database_url, home


def test_home_is_the_folder_that_the_environment_names(monkeypatch, tmp_path):
    monkeypatch.setenv("ENVSUITE_HOME", str(tmp_path / "board"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert home() == tmp_path / "board"
    assert not home().exists()
    assert database_url() == f"sqlite:///{tmp_path}/board/board.sqlite"


def test_home_is_by_default_among_the_users_data(monkeypatch):
    monkeypatch.delenv("ENVSUITE_HOME", raising=False)
    assert home().is_absolute()
    assert home().name == "envsuite"


def test_the_database_is_that_of_the_environment(monkeypatch):
    for given in ("postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg://u@h/d"):
        monkeypatch.setenv("DATABASE_URL", given)
        assert database_url() == "postgresql+psycopg://u@h/d"
    monkeypatch.setenv("DATABASE_URL", "sqlite:////srv/board.sqlite")
    assert database_url(Path("/elsewhere")) == "sqlite:////srv/board.sqlite"
