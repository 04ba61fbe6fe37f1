"""The words in one's own data: every word that the house keeps is said in the reader's language."""

from __future__ import annotations

from typing import get_args

import pytest
import sqlalchemy as sa

from handlers.messaging.voices_of_all import VOICES
from handlers.people.mydata_words import word
from locales import LANGUAGES
from storage.people.mydata import FOLLOWED
from storage.schema import METADATA
from storage.training.decisions import Rule

ABOUT = {"teacher", *(name.split(".")[0] for name in FOLLOWED)}
CHOICES = [
    (table.name, column.name, choice)
    for table in METADATA.sorted_tables
    if table.name in ABOUT
    for column in table.columns
    if isinstance(column.type, sa.Enum)
    for choice in column.type.enums
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_choice_has_a_word(language: str) -> None:
    kept = [
        *CHOICES,
        *(("decision", "rule", rule) for rule in get_args(Rule)),
        *(("outbox_message", "kind", kind) for kind in VOICES if not kind.startswith("group")),
    ]
    missing = [one for one in kept if not word(*one, language)]
    assert missing == []


def test_the_words_are_the_readers_and_not_the_machines() -> None:
    assert word("outbox_message", "state", "skipped", "zh_Hans") == "已无须发送"
    assert word("posting", "duties", ["homeroom", "principal"], "zh_Hans") == "班主任、校长"
    assert word("decision", "rule", "queued", "zh_Hant") == "進入候補"
    assert word("teacher", "name", "王芳", "zh_Hans") is None
    machine = [one for one in CHOICES if word(*one, "zh_Hans") == one[2]]
    assert machine == []
