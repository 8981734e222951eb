"""The language of the page on which a mark was made"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("mark", sa.Column("language", sa.String(length=10), nullable=True))
