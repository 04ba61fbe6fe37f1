"""Every table of the house, in one import: for migrations and for tests."""

from sqlmodel import SQLModel

import storage.audit
import storage.calendar.tables
import storage.competitions.tables
import storage.credits.tables
import storage.deeds
import storage.messaging.tables
import storage.people.tables
import storage.training.remote.tables
import storage.training.tables  # noqa: F401

METADATA = SQLModel.metadata
