"""The words of the domain: whatever can be chosen is called something of its own."""

import pytest

from handlers.credits.words import category_name
from handlers.training import words
from handlers.training.rows_text import problem_count, problem_text
from locales import LANGUAGES
from storage.plan.form import STAGES
from storage.training import plan_sheet, results
from storage.training.remote import rows
from storage.training.tables import CATEGORIES, RegistrationState


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_category_is_called_something_of_its_own(language: str) -> None:
    said = {words.category(each, language) for each in CATEGORIES}
    assert len(said) == len(CATEGORIES)
    assert not {category_name(each, language) for each in CATEGORIES} & set(CATEGORIES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_stage_is_called_something_of_its_own(language: str) -> None:
    assert len({words.fact_value(each, language) for each in STAGES}) == len(STAGES)


def test_a_plan_sheet_can_say_every_category() -> None:
    assert set(plan_sheet.CATEGORY_WORDS) == set(CATEGORIES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_coordinator_reads_of_a_registration_does_not_address_the_teacher(
    language: str,
) -> None:
    for state in RegistrationState:
        said = words.standing(state, language)
        assert "您" not in said
        assert "you" not in said.split()
        assert "your" not in said.split()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_problem_of_a_row_has_words(language: str) -> None:
    of_marks = set(results.RowState) - set(results.UNDERSTOOD)
    of_progress = set(rows.RowState) - set(rows.UNDERSTOOD)
    for state in of_marks | of_progress:
        assert "2" in problem_count(state, 2, language)
    for state in of_marks | of_progress - set(rows.PASSED_OVER):
        assert problem_text(state, language)
    not_understood = results.RowState.NOT_UNDERSTOOD, rows.RowState.NOT_UNDERSTOOD
    assert len({problem_text(state, language) for state in not_understood}) == 2
