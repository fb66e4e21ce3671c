"""The first tables: accounts, submissions, the queue, episodes, the ledger, the board."""

import sqlalchemy as sa
from alembic import op

from envsuite.leaderboard.store.types import Json, Utc

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

APPEND_ONLY = ("episodes", "ledger")
"""Tables whose rows are never changed nor taken away."""


def upgrade() -> None:
    """Makes all tables."""
    _accounts()
    _submissions()
    _queue()
    _episodes()
    _board()
    _details()
    _guard()
    op.execute("INSERT INTO queue_clock (number, ticks, wall) VALUES (1, 0, 0)")


def downgrade() -> None:
    """Refuses: a board's history is not thrown away by a migration."""
    raise NotImplementedError("restore a backup instead")


def _accounts() -> None:
    """Accounts, tokens, seasons."""
    op.create_table(
        "users",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("name_key", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_users")),
        sa.UniqueConstraint("id", name=op.f("uq_users_id")),
        sa.UniqueConstraint("name_key", name=op.f("uq_users_name_key")),
    )
    op.create_table(
        "tokens",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user", NUMBER, nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("last_used_at", Utc(), nullable=True),
        sa.Column("revoked_at", Utc(), nullable=True),
        sa.ForeignKeyConstraint(["user"], ["users.number"], name=op.f("fk_tokens_user")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_tokens")),
        sa.UniqueConstraint("id", name=op.f("uq_tokens_id")),
        sa.UniqueConstraint("sha256", name=op.f("uq_tokens_sha256")),
    )
    op.create_index(op.f("ix_tokens_user"), "tokens", ["user"], unique=False)
    op.create_table(
        "seasons",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("commitment", sa.String(length=64), nullable=False),
        sa.Column("opened_at", Utc(), nullable=False),
        sa.Column("closing", sa.Boolean(), nullable=False),
        sa.Column("closed_at", Utc(), nullable=True),
        sa.Column("secret", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_seasons")),
        sa.UniqueConstraint("name", name=op.f("uq_seasons_name")),
    )


def _submissions() -> None:
    """Submissions and their evaluations."""
    op.create_table(
        "submissions",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user", NUMBER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("suite", sa.String(length=120), nullable=False),
        sa.Column("authors", Json(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("declared", Json(), nullable=False),
        sa.Column("learned", sa.Boolean(), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("bundle_sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("trust", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("started_at", Utc(), nullable=True),
        sa.Column("finished_at", Utc(), nullable=True),
        sa.ForeignKeyConstraint(["user"], ["users.number"], name=op.f("fk_submissions_user")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_submissions")),
        sa.UniqueConstraint("id", name=op.f("uq_submissions_id")),
    )
    op.create_index("ix_submissions_bundle", "submissions", ["user", "bundle_sha256"], unique=False)
    op.create_index("ix_submissions_state", "submissions", ["state", "number"], unique=False)
    op.create_index("ix_submissions_suite_state", "submissions", ["suite", "state"], unique=False)
    op.create_index("ix_submissions_user_created_at", "submissions", ["user", "created_at"], unique=False)
    op.create_table(
        "evaluations",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("submission", NUMBER, nullable=False),
        sa.Column("user", NUMBER, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("season", NUMBER, nullable=True),
        sa.Column("split", sa.String(length=16), nullable=False),
        sa.Column("suite", Json(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("episodes_total", sa.Integer(), nullable=False),
        sa.Column("requeued", sa.Integer(), nullable=False),
        sa.Column("log_tail", sa.Text(), nullable=False),
        sa.Column("log_start", sa.Text(), nullable=False),
        sa.Column("sandbox", Json(), nullable=True),
        sa.Column("machine", Json(), nullable=True),
        sa.Column("score", Json(), nullable=True),
        sa.Column("result_sha256", sa.String(length=64), nullable=True),
        sa.Column("ledger_index", sa.Integer(), nullable=True),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("started_at", Utc(), nullable=True),
        sa.Column("finished_at", Utc(), nullable=True),
        sa.ForeignKeyConstraint(["season"], ["seasons.number"], name=op.f("fk_evaluations_season")),
        sa.ForeignKeyConstraint(["submission"], ["submissions.number"], name=op.f("fk_evaluations_submission")),
        sa.ForeignKeyConstraint(["user"], ["users.number"], name=op.f("fk_evaluations_user")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_evaluations")),
        sa.UniqueConstraint("id", name=op.f("uq_evaluations_id")),
    )
    op.create_index("ix_evaluations_state", "evaluations", ["state", "number"], unique=False)
    op.create_index("uq_evaluations_one_of_a_kind", "evaluations", ["submission", "kind", "round"], unique=True)
    op.create_index(
        "uq_evaluations_one_running",
        "evaluations",
        ["user"],
        unique=True,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )


def _queue() -> None:
    """Jobs, the clock of their leases, and how long episodes take."""
    op.create_table(
        "jobs",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("evaluation", NUMBER, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("task_id", sa.String(length=120), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("seed_indices", Json(), nullable=False),
        sa.Column("episodes", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("lease", sa.String(length=64), nullable=True),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("leased_at", sa.Double(), nullable=True),
        sa.Column("expires_at", sa.Double(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("progress", sa.Boolean(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["evaluation"], ["evaluations.number"], name=op.f("fk_jobs_evaluation")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_jobs")),
        sa.UniqueConstraint("id", name=op.f("uq_jobs_id")),
    )
    op.create_index("ix_jobs_evaluation", "jobs", ["evaluation", "state", "position"], unique=False)
    op.create_index("ix_jobs_state", "jobs", ["state", "number"], unique=False)
    op.create_table(
        "queue_clock",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ticks", sa.Double(), nullable=False),
        sa.Column("wall", sa.Double(), nullable=False),
        sa.CheckConstraint("number = 1", name=op.f("ck_queue_clock_one_row")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_queue_clock")),
    )
    op.create_table(
        "speeds",
        sa.Column("task_id", sa.String(length=120), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("jobs", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_speeds")),
    )


def _episodes() -> None:
    """Episodes: scored, broken off, claimed."""
    op.create_table(
        "episodes",
        sa.Column("evaluation", NUMBER, nullable=False),
        sa.Column("task_id", sa.String(length=120), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("seed_index", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("wall_s", sa.Double(), nullable=True),
        sa.Column("env_s", sa.Double(), nullable=True),
        sa.Column("agent_s", sa.Double(), nullable=True),
        sa.Column("trajectory", sa.String(length=64), nullable=False),
        sa.Column("record", Json(), nullable=False),
        sa.Column("actions_sha256", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["evaluation"], ["evaluations.number"], name=op.f("fk_episodes_evaluation")),
        sa.PrimaryKeyConstraint("evaluation", "task_id", "run", "seed_index", name=op.f("pk_episodes")),
    )
    op.create_table(
        "broken_off",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("evaluation", NUMBER, nullable=False),
        sa.Column("task_id", sa.String(length=120), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("seed_index", sa.Integer(), nullable=False),
        sa.Column("lease", sa.String(length=64), nullable=False),
        sa.Column("record", Json(), nullable=False),
        sa.ForeignKeyConstraint(["evaluation"], ["evaluations.number"], name=op.f("fk_broken_off_evaluation")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_broken_off")),
    )
    op.create_index(
        "uq_broken_off_attempt", "broken_off", ["evaluation", "task_id", "run", "seed_index", "lease"], unique=True
    )
    op.create_table(
        "claims",
        sa.Column("evaluation", NUMBER, nullable=False),
        sa.Column("task_id", sa.String(length=120), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("seed_index", sa.Integer(), nullable=False),
        sa.Column("record", Json(), nullable=False),
        sa.Column("actions_sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["evaluation"], ["evaluations.number"], name=op.f("fk_claims_evaluation")),
        sa.PrimaryKeyConstraint("evaluation", "task_id", "run", "seed_index", name=op.f("pk_claims")),
    )


def _board() -> None:
    """The ledger and what the board's pages read."""
    op.create_table(
        "ledger",
        sa.Column("index", NUMBER, autoincrement=False, nullable=False),
        sa.Column("entry", Json(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("blob_sha256", sa.String(length=64), nullable=True),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("index", name=op.f("pk_ledger")),
        sa.UniqueConstraint("hash", name=op.f("uq_ledger_hash")),
        sa.UniqueConstraint("previous", name=op.f("uq_ledger_previous")),
    )
    op.create_table(
        "scores",
        sa.Column("submission", NUMBER, nullable=False),
        sa.Column("evaluation", NUMBER, nullable=False),
        sa.Column("user", sa.Integer(), nullable=False),
        sa.Column("suite", sa.String(length=120), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("trust_level", sa.Integer(), nullable=False),
        sa.Column("learned", sa.Boolean(), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("budget", sa.Double(), nullable=True),
        sa.Column("iqm", sa.Double(), nullable=True),
        sa.Column("iqm_low", sa.Double(), nullable=True),
        sa.Column("iqm_high", sa.Double(), nullable=True),
        sa.Column("mean", sa.Double(), nullable=True),
        sa.Column("mean_low", sa.Double(), nullable=True),
        sa.Column("mean_high", sa.Double(), nullable=True),
        sa.Column("median", sa.Double(), nullable=True),
        sa.Column("median_low", sa.Double(), nullable=True),
        sa.Column("median_high", sa.Double(), nullable=True),
        sa.Column("gap", sa.Double(), nullable=True),
        sa.Column("gap_low", sa.Double(), nullable=True),
        sa.Column("gap_high", sa.Double(), nullable=True),
        sa.Column("success", sa.Double(), nullable=True),
        sa.Column("success_low", sa.Double(), nullable=True),
        sa.Column("success_high", sa.Double(), nullable=True),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("rank_low", sa.Integer(), nullable=True),
        sa.Column("rank_high", sa.Integer(), nullable=True),
        sa.Column("unranked", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("episodes", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("scored_at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["evaluation"], ["evaluations.number"], name=op.f("fk_scores_evaluation")),
        sa.ForeignKeyConstraint(["submission"], ["submissions.number"], name=op.f("fk_scores_submission")),
        sa.PrimaryKeyConstraint("submission", name=op.f("pk_scores")),
    )
    op.create_index("ix_scores_gap", "scores", ["suite", "gap"], unique=False)
    op.create_index("ix_scores_iqm", "scores", ["suite", "iqm"], unique=False)
    op.create_index("ix_scores_mean", "scores", ["suite", "mean"], unique=False)
    op.create_index("ix_scores_median", "scores", ["suite", "median"], unique=False)
    op.create_index("ix_scores_name", "scores", ["suite", "name"], unique=False)
    op.create_index("ix_scores_place", "scores", ["suite", "place"], unique=False)
    op.create_index("ix_scores_scored_at", "scores", ["suite", "scored_at"], unique=False)
    op.create_index("ix_scores_success", "scores", ["suite", "success"], unique=False)
    op.create_index("ix_scores_user", "scores", ["suite", "user"], unique=False)


def _details() -> None:
    """Scores per task and family, and up to when ranks are computed."""
    op.create_table(
        "task_scores",
        sa.Column("submission", NUMBER, nullable=False),
        sa.Column("task_id", sa.String(length=120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("data", Json(), nullable=False),
        sa.ForeignKeyConstraint(["submission"], ["submissions.number"], name=op.f("fk_task_scores_submission")),
        sa.PrimaryKeyConstraint("submission", "task_id", name=op.f("pk_task_scores")),
    )
    op.create_index("ix_task_scores_best", "task_scores", ["task_id", "value"], unique=False)
    op.create_table(
        "family_scores",
        sa.Column("submission", NUMBER, nullable=False),
        sa.Column("family", sa.String(length=40), nullable=False),
        sa.Column("suite", sa.String(length=120), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["submission"], ["submissions.number"], name=op.f("fk_family_scores_submission")),
        sa.PrimaryKeyConstraint("submission", "family", name=op.f("pk_family_scores")),
    )
    op.create_index("ix_family_scores_best", "family_scores", ["suite", "family", "value", "submission"], unique=False)
    op.create_table(
        "boards",
        sa.Column("suite", sa.String(length=120), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("ranked", sa.Integer(), nullable=False),
        sa.Column("updated_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("suite", name=op.f("pk_boards")),
    )


def _guard() -> None:
    """Lets the database itself refuse every change of what is append-only."""
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for change in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
        return
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '23001'; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
