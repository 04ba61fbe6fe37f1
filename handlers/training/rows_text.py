"""What is wrong with the rows of tables about people: of marks, and of progress."""

from __future__ import annotations

from locales import catalog
from storage.training import results
from storage.training.remote import rows

State = results.RowState | rows.RowState


def problem_count(state: State, number: int, language: str) -> str:
    """So many rows have this problem, in three words."""
    ngettext = catalog(language).ngettext
    sentence = {
        "empty": ngettext("{n} without a mark", "{n} without a mark", number),
        "unknown": ngettext("{n} unknown person", "{n} unknown people", number),
        "ambiguous": ngettext("{n} unclear name", "{n} unclear names", number),
        "mismatch": ngettext("{n} number that does not fit", "{n} numbers that do not fit", number),
        "foreign": ngettext("{n} of elsewhere", "{n} of elsewhere", number),
        "exempt": ngettext("{n} exempt, passed over", "{n} exempt, passed over", number),
        "twice": ngettext("{n} twice in the file", "{n} twice in the file", number),
        "not_understood": ngettext("{n} not understood", "{n} not understood", number),
        "contradicts": ngettext("{n} contradiction", "{n} contradictions", number),
        "decided": ngettext("{n} decided already", "{n} decided already", number),
        "own": ngettext("{n} of your own", "{n} of your own", number),
    }[state.value]
    return sentence.format(n=number)


def problem_text(state: State, language: str) -> str:
    """What is wrong with a row, and what to do."""
    _ = catalog(language).gettext
    if state is results.RowState.NOT_UNDERSTOOD:
        return _("neither a mark from 0 to 100 nor a grade.")
    return {
        "empty": _("no mark."),
        "unknown": _("nobody of this class."),
        "ambiguous": _("several people of this name; please add the staff number."),
        "mismatch": _("the staff number belongs to another name."),
        "twice": _("this person stands in the file twice; the first row counts."),
        "not_understood": _("a figure in this row cannot be read."),
        "contradicts": _("the score and the grade do not go together."),
        "decided": _("completion has been decided, so the mark stays as it is."),
        "own": _("this is your own mark, which somebody else enters."),
    }.get(state.value, "")
