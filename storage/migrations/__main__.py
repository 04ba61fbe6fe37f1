"""Write the next migration: ``python -m storage.migrations "what changes"``.

The tables of all migrations so far are made in a passing database and compared with the models.
"""

import sys
import tempfile
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from storage import migrations


def write(message: str) -> None:
    """Write the migration that makes the tables what the models say."""
    number = len(list(ScriptDirectory.from_config(migrations.config()).walk_revisions())) + 1
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'passing.sqlite3'}"
        migrations.upgrade(url)
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            command.revision(
                migrations.config(connection),
                message=message,
                autogenerate=True,
                rev_id=f"{number:04}",
            )
        engine.dispose()


if __name__ == "__main__":
    write(" ".join(sys.argv[1:]) or sys.exit("Say what changes."))
