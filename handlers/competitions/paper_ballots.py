"""Paper ballots typed in: by two people, neither of whom sees what the other typed."""

from __future__ import annotations

import html

from telegram import Update

from handlers.cards import Card, Key, pager
from handlers.competitions.buttons import OpenVenue
from handlers.competitions.judging import typed_marks
from handlers.competitions.judging_buttons import OpenPaper, TurnToPaper, TypePaper
from handlers.competitions.judging_text import points_like
from handlers.competitions.venue import sure_card
from handlers.context import Context, show, tap
from handlers.wiring import AnyApplication, on_tap, on_text
from locales import catalog
from storage.competitions import paper
from storage.competitions.paper import PaperBallot, PaperLine, Typed
from storage.people import accounts
from storage.people.accounts import Reader

AWAITED = "kgpaper"
PAGE = 24


def install(application: AnyApplication) -> None:
    on_tap(application, OpenPaper, open_paper)
    on_tap(application, TurnToPaper, turn_to_paper)
    on_tap(application, TypePaper, ask_marks)
    on_text(application, AWAITED, marks_typed)


def _mark(line: PaperLine) -> str:
    if line.is_in:
        return "●"
    return "◐" if line.is_typed else "○"


async def open_paper(update: Update, context: Context) -> None:
    button = OpenPaper.parse(tap(update).data)
    reader = await context.reader(update)
    await _show_paper(update, context, reader, button.venue_id, button.page)


async def _show_paper(
    update: Update, context: Context, reader: Reader, venue_id: int, page: int, said: str = ""
) -> None:
    """The ballots of paper, each a key by judge and number; and whose can be turned to paper."""
    _ = catalog(reader.language).gettext
    actor_id, now = reader.linked_teacher_id, context.now()
    found = await context.read(paper.listed, actor_id, venue_id, now=now)
    others = await context.read(paper.judges, actor_id, venue_id, now=now)
    lines = [said, ""] if said else []
    lines.append(_("<b>Paper ballots</b>"))
    if found:
        lines.append(_("○ not typed  ◐ typed once  ● in"))
        lines.append(_("Two people type each ballot, and it counts when both have read the same."))
    else:
        lines.append(_("There are no paper ballots here."))
    pages = max(1, -(-len(found) // PAGE))
    page = min(max(0, page), pages - 1)
    keys = [
        Key(
            _("{mark} judge {judge}, no. {number}").format(
                mark=_mark(line), judge=line.judge, number=line.number
            ),
            TypePaper(line.ballot_id),
        )
        for line in found[page * PAGE : (page + 1) * PAGE]
    ]
    rows = [tuple(keys[n : n + 2]) for n in range(0, len(keys), 2)]
    turn = pager(page, pages, lambda n: OpenPaper(venue_id, n))
    if turn:
        rows.append(turn)
    for one in others:
        label = _("Judge {number}: on paper").format(number=one.number)
        rows.append((Key(label, TurnToPaper(venue_id, one.judge_id)),))
    rows.append((Key(_("Back"), OpenVenue(venue_id)),))
    await show(update, context, reader, Card("\n".join(lines), tuple(rows)))


async def turn_to_paper(update: Update, context: Context) -> None:
    """Ask once more, then let a judge's open ballots be typed in from paper."""
    button = TurnToPaper.parse(tap(update).data)
    reader = await context.reader(update)
    catalogue = catalog(reader.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    if not button.sure:
        text = _(
            "Shall this judge's open ballots be typed in from paper? What was begun on the "
            "phone is dropped; what is handed in stays."
        )
        sure = TurnToPaper(button.venue_id, button.judge_id, 1)
        yes = Key(_("Yes, on paper"), sure, style="primary")
        card = sure_card(text, yes, OpenPaper(button.venue_id), reader.language)
        await show(update, context, reader, card)
        return
    count = await context.write(
        paper.turn_to_paper, reader.linked_teacher_id, button.judge_id, now=context.now()
    )
    said = ngettext(
        "{n} ballot is typed in from paper.", "{n} ballots are typed in from paper.", count
    ).format(n=count)
    await _show_paper(update, context, reader, button.venue_id, 0, said)


async def ask_marks(update: Update, context: Context) -> None:
    """Take the next text as the points of a paper ballot."""
    ballot_id = TypePaper.parse(tap(update).data).ballot_id
    reader = await context.reader(update)
    now = context.now()
    facts = await context.read(paper.paper, reader.linked_teacher_id, ballot_id, now=now)
    if not facts.is_in:
        awaited = f"{AWAITED}:{ballot_id}"
        await context.write(accounts.await_text, reader.account_id, awaited, now=now)
    await show(update, context, reader, _paper_card(facts, reader.language))


def _paper_card(facts: PaperBallot, language: str, said: str = "") -> Card:
    _ = catalog(language).gettext
    lines = [said, ""] if said else []
    lines.append(
        _("<b>Judge {judge}, no. {number}</b>").format(judge=facts.judge, number=facts.number)
    )
    if facts.is_in:
        lines += [_("Handed in and sealed."), f"<code>{facts.seal}</code>"]
    else:
        lines += [
            _("{title}: 0 to {most}").format(title=html.escape(one.title), most=one.most)
            for one in facts.criteria
        ]
        lines.append(
            _("You are the second to read this paper.")
            if facts.is_second
            else _("Somebody else will read this paper after you.")
        )
        lines.append(
            _(
                "Please type the points in this order, such as <code>{points}</code>; "
                "a comment may follow on the next line."
            ).format(points=points_like(facts.criteria))
        )
    return Card("\n".join(lines), ((Key(_("Back"), OpenPaper(facts.venue_id)),),))


async def marks_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take the points, and say what came of them; never what the other person typed."""
    ballot_id = int(reader.awaiting.split(":")[1])
    _ = catalog(reader.language).gettext
    actor_id, now = reader.linked_teacher_id, context.now()
    facts = await context.read(paper.paper, actor_id, ballot_id, now=now)
    first, _newline, comment = text.strip().partition("\n")
    marks = typed_marks(first, facts.criteria)
    if marks is None:
        said = _("Please type {n} whole numbers, one for each criterion in this order.").format(
            n=len(facts.criteria)
        )
        await show(update, context, reader, _paper_card(facts, reader.language, said))
        return
    came = await context.write(paper.type_in, actor_id, ballot_id, marks, comment=comment, now=now)
    if came is Typed.DIFFERS:
        said = _(
            "The two who read this paper do not agree. Please read it again; whoever was wrong "
            "types it anew."
        )
        await show(update, context, reader, _paper_card(facts, reader.language, said))
        return
    await context.write(accounts.await_text, reader.account_id, "", now=now)
    said = (
        _("Both agree: handed in and sealed.")
        if came is Typed.AGREED
        else _("Typed. A second person has to type it, too.")
    )
    await _show_paper(update, context, reader, facts.venue_id, 0, said)
