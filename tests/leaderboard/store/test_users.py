import pytest
from boards import count
from sqlalchemy import text

from envsuite.errors import InvalidArgument, NotAllowed, UnknownName
from envsuite.leaderboard.store import users


def test_an_account_is_found_by_id_and_by_name_in_any_case(database):
    with database.session() as session:
        made = users.create_user(session, "Ada Lovelace", "admin")
    with database.read() as session:
        assert users.get_user(session, made.id) == users.get_user(session, "ADA lovelace") == made
        assert users.list_users(session) == [made]
        with pytest.raises(UnknownName, match="unknown account 'bob'"):
            users.get_user(session, "bob")


def test_names_are_unique_without_case_and_the_session_goes_on(database):
    with database.session() as session:
        users.create_user(session, "Straße")
        for taken in ("STRASSE", "strasse", "Straße"):
            with pytest.raises(NotAllowed, match="is taken"):
                users.create_user(session, taken)
        users.create_user(session, "bob")
    assert count(database, "users") == 2


@pytest.mark.parametrize("name", ["Ada", "ada-2", "R. U. Sure", "Ωμέγα", "東京の人", "José", "Łukasz_1", "김 민수"])
def test_names_of_many_scripts(name):
    assert users.checked_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a",
        "x" * 41,
        " ada",
        "ada ",
        "a  b",
        "--",
        "<script>",
        "a&b",
        "a/b",
        "a\nb",
        "a\0b",
        "ada\u200b",
        "\u202eada",
        "\u0430dmin",  # Cyrillic, then Latin letters
        "adм",
        "ada💥",
        "\ud800a",
        "a٣b",
    ],
)
def test_names_that_could_deceive_are_refused(name):
    with pytest.raises(InvalidArgument, match="name: expected 2 to 40"):
        users.checked_name(name)


def test_look_alikes_of_a_form_are_one_name():
    assert users.checked_name("\uff21da") == "Ada"
    assert users.checked_name("Jose\u0301") == "José"


def test_roles_are_known(database):
    with pytest.raises(InvalidArgument, match="role"), database.session() as session:
        users.create_user(session, "ada", "root")


def test_a_token_is_shown_once_and_kept_as_a_hash(database):
    with database.session() as session:
        ada = users.create_user(session, "ada")
        view, secret = users.create_token(session, "ada")
    assert secret.startswith("envsuite_")
    assert len(secret) == len("envsuite_") + 43
    assert secret.startswith(view.prefix)
    with database.read() as session:
        assert users.authenticate(session, secret) == ada
        for wrong in ("", secret[:-1], secret + "x", view.prefix, "\ud800"):
            assert users.authenticate(session, wrong) is None
        assert users.list_tokens(session, "ada") == users.list_tokens(session) == [view]
        kept = "".join(map(str, session.execute(text("SELECT * FROM tokens")).one()))
    assert secret not in kept
    assert secret[20:] not in kept


def test_a_revoked_token_is_refused_at_once(database):
    with database.session() as session:
        users.create_user(session, "ada")
        view, secret = users.create_token(session, "ada")
        _, other = users.create_token(session, "ada")
    with database.session() as session:
        revoked = users.revoke_token(session, view.id)
    with database.session() as session:
        assert users.revoke_token(session, view.id) == revoked
        assert users.authenticate(session, secret) is None
        assert users.authenticate(session, other) is not None
        with pytest.raises(UnknownName, match="unknown token"):
            users.revoke_token(session, "nonsense")


def test_the_tokens_of_a_disabled_account_are_refused_until_it_is_enabled(database):
    with database.session() as session:
        users.create_user(session, "ada")
        _, secret = users.create_token(session, "ada")
        assert users.disable_user(session, "ada").disabled
        assert users.authenticate(session, secret) is None
        users.disable_user(session, "ada", disabled=False)
        assert users.authenticate(session, secret) is not None


def test_the_last_use_of_a_token_is_written_at_most_once_a_minute(database):
    with database.session() as session:
        users.create_user(session, "ada")
        view, secret = users.create_token(session, "ada")
        users.touch_token(session, secret)
        first = users.list_tokens(session)[0].last_used_at
        users.touch_token(session, secret)
        assert users.list_tokens(session)[0].last_used_at == first
    assert view.last_used_at is None
    assert first is not None
