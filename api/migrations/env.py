"""Runs migrations inside the transaction that `api.store` has begun."""

from alembic import context

from api.store_tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
