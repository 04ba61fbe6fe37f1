"""roles given by hand."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Until now every role came from a plan.
    with op.batch_alter_table("role_assignment") as table:
        table.add_column(
            sa.Column("by_plan", sa.Boolean(), nullable=False, server_default=sa.true())
        )
    with op.batch_alter_table("role_assignment") as table:
        table.alter_column("by_plan", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("role_assignment") as table:
        table.drop_column("by_plan")
