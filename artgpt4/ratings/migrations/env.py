"""What Alembic runs: on the connection, and inside the transaction, that `artgpt4.ratings.database` gives it."""

from alembic import context

from artgpt4.ratings.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
    transactional_ddl=True,
)
context.run_migrations()
