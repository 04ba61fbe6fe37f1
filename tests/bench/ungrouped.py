"""The bot with every operation in a commit of its own: what group commit is measured against."""

from bot.__main__ import app
from storage import database

if __name__ == "__main__":
    database.GROUP = 1
    app()
