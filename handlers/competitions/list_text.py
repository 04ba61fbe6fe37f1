"""The lines of a public list: name, school and award, as a group may see them.

Of winners the title of the work as well, where its entrant has said so.
"""

from __future__ import annotations

import html

from handlers.context import shortened
from locales import catalog
from storage.competitions.publicity import PublicList

TITLE = 120


def _escaped(text: str) -> str:
    return html.escape(shortened(text, TITLE))


def list_lines(facts: PublicList, language: str) -> list[str]:
    """The lines of a public list, by track and award. HTML."""
    _ = catalog(language).gettext
    lines: list[str] = []
    last = ("", "")
    for one in facts.lines:
        here = (one.track, one.award)
        if here != last:
            lines.append(
                _("<b>{track} · {award}</b>").format(
                    track=_escaped(one.track), award=_escaped(one.award)
                )
                if one.award
                else _("<b>{track}</b>").format(track=_escaped(one.track))
            )
        last = here
        school = _escaped(one.school)
        who = (
            _("{name} ({school})").format(name=_escaped(one.name), school=school)
            if one.name
            else _("a teacher of {school}").format(school=school)
        )
        lines.append(
            _("{who}: “{work}”").format(who=who, work=_escaped(one.work)) if one.work else who
        )
    return lines
