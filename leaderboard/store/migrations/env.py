"""What Alembic runs: every migration inside the transaction that `upgrade` was given."""

from alembic import context

from envsuite.leaderboard.store.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    transactional_ddl=True,
    transaction_per_migration=False,
)
context.run_migrations()
