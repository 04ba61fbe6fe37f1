"""One's own awards and certificates, sharing one's work, and proposals for tiers."""

from __future__ import annotations

import asyncio
import html

from telegram import Update

from handlers.cards import Card, Key, pager
from handlers.competitions import certificates, words
from handlers.competitions.deciding_buttons import (
    AwardCertificate,
    MyAwards,
    OpenAfter,
    OpenAward,
    OpenProposals,
    SettleProposal,
    ShareWork,
)
from handlers.competitions.outcomes import award_keys, award_lines
from handlers.context import Context, alert, send_file, shortened, show, tap
from handlers.people.buttons import Home
from handlers.training import words as of_training
from handlers.wiring import AnyApplication, on_link, on_tap, on_text
from locales import catalog, dates
from storage.competitions import awarding
from storage.competitions.awarding import Award, Proposal
from storage.competitions.tables import TierProposalState
from storage.people import accounts
from storage.people.accounts import Reader
from storage.refusals import NotFound

AWAITED = "kdtier"
PAGE = 6
LABEL = 40


def install(application: AnyApplication) -> None:
    on_link(application, "awards", by_link)
    on_tap(application, MyAwards, open_awards)
    on_tap(application, OpenAward, open_award)
    on_tap(application, AwardCertificate, send_certificate)
    on_tap(application, ShareWork, share)
    on_tap(application, OpenProposals, open_proposals)
    on_tap(application, SettleProposal, settle)
    on_text(application, AWAITED, refuse)


def awards_card(found: tuple[Award, ...], language: str) -> Card:
    """One's own awards that stand."""
    _ = catalog(language).gettext
    lines = [_("<b>My awards</b>")]
    if not found:
        lines.append(_("There is none here yet."))
    keys = []
    for each in found[:20]:
        lines.append(
            _("· {day}: {title}, {award}").format(
                day=dates.dated(each.awarded_on, language),
                title=html.escape(each.title),
                award=html.escape(each.award),
            )
        )
        label = _("{award} · {name}").format(award=each.award, name=each.title)
        keys.append((Key(shortened(label, LABEL), OpenAward(each.honour_id)),))
    return Card("\n".join(lines), (*keys, (Key(_("Menu"), Home()),)))


def award_card(facts: Award, language: str) -> Card:
    """One award, and what follows from it."""
    _ = catalog(language).gettext
    where = " · ".join(part for part in (facts.title, facts.round_name, facts.track) if part)
    lines = [f"<b>{html.escape(where)}</b>"]
    if facts.is_revoked:
        lines.append(_("This award was taken back."))
        return Card("\n".join(lines), ((Key(_("My awards"), MyAwards()),),))
    lines.append(_("Award: {award}").format(award=html.escape(facts.award)))
    lines += award_lines(facts, language)
    return Card("\n".join(lines), award_keys(facts, language))


def proposals_card(found: tuple[Proposal, ...], page: int, language: str) -> Card:
    """The proposals for tiers that wait for this person."""
    _ = catalog(language).gettext
    lines = [_("<b>Proposals for tiers</b>")]
    if not found:
        lines.append(_("Nothing waits for you here at the moment."))
    else:
        lines.append(
            _("An award proposes, the school agrees, and then the county. None is a tier yet.")
        )
    pages = max(1, -(-len(found) // PAGE))
    page = min(max(0, page), pages - 1)
    states = words.proposal_states(language)
    keys: list[tuple[Key, ...]] = []
    for n, each in enumerate(found[page * PAGE : (page + 1) * PAGE], 1 + page * PAGE):
        lines.append(
            _("{n}. {name} ({school}): {tier}, for {award} in {title}; {state}").format(
                n=n,
                name=html.escape(each.name),
                school=html.escape(each.school),
                tier=html.escape(of_training.fact_value(each.tier, language)),
                award=html.escape(each.award),
                title=html.escape(each.title),
                state=states[each.state],
            )
        )
        if each.has:
            now_in = of_training.fact_value(each.has, language)
            lines.append("   " + _("By the roster: {tier}").format(tier=html.escape(now_in)))
        keys.append(
            (
                Key(_("{n} Agree").format(n=n), SettleProposal(each.id, 1), style="success"),
                Key(_("{n} Not agree").format(n=n), SettleProposal(each.id, 0)),
            )
        )
    turn = pager(page, pages, OpenProposals)
    keys += [turn] if turn else []
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenAfter()),)))


async def by_link(update: Update, context: Context, reader: Reader, _payload: str) -> None:
    """Show one's own awards."""
    await _show_awards(update, context, reader)


async def open_awards(update: Update, context: Context) -> None:
    """The same."""
    await _show_awards(update, context, await context.reader(update))


async def _show_awards(update: Update, context: Context, reader: Reader) -> None:
    found = await context.read(awarding.awards_of, reader.linked_teacher_id)
    await show(update, context, reader, awards_card(found, reader.language))


async def open_award(update: Update, context: Context) -> None:
    """Show one of them."""
    await _show_award(
        update, context, await context.reader(update), OpenAward.parse(tap(update).data).honour_id
    )


async def _show_award(update: Update, context: Context, reader: Reader, honour_id: int) -> None:
    facts = await context.read(awarding.award, reader.linked_teacher_id, honour_id)
    await show(update, context, reader, award_card(facts, reader.language))


async def send_certificate(update: Update, context: Context) -> None:
    """Send the certificate of one's own award."""
    honour_id = AwardCertificate.parse(tap(update).data).honour_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    facts = await context.read(awarding.award, reader.linked_teacher_id, honour_id)
    if facts.is_revoked or not facts.certificate_no:
        raise NotFound("certificate")
    content = await asyncio.to_thread(certificates.pdf, [facts], reader.language)
    name = _("Certificate {number}").format(number=facts.certificate_no) + ".pdf"
    caption = _("{title}: {award}").format(
        title=html.escape(facts.title), award=html.escape(facts.award)
    )
    await send_file(update, context, reader, content, name, caption)


async def share(update: Update, context: Context) -> None:
    """Say whether one's work may be shared."""
    button = ShareWork.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    facts = await context.read(awarding.award, reader.linked_teacher_id, button.honour_id)
    if facts.entry_id is None or facts.is_revoked:
        raise NotFound("entry")
    agreed = await context.write(
        awarding.answer_sharing,
        reader.linked_teacher_id,
        facts.entry_id,
        bool(button.agreed),
        now=context.now(),
    )
    await alert(
        update,
        _("Thank you. Your work is suggested as a resource; you can change your mind here.")
        if agreed
        else _("Noted. Your work is not shared."),
    )
    await _show_award(update, context, reader, button.honour_id)


async def open_proposals(update: Update, context: Context) -> None:
    """Show the proposals that wait for this person."""
    page = OpenProposals.parse(tap(update).data).page
    await _show_proposals(update, context, await context.reader(update), page)


async def _show_proposals(update: Update, context: Context, reader: Reader, page: int = 0) -> None:
    found = await context.read(awarding.proposals, reader.linked_teacher_id, now=context.now())
    await show(update, context, reader, proposals_card(found, page, reader.language))


async def settle(update: Update, context: Context) -> None:
    """Agree; of who does not, ask why."""
    button = SettleProposal.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    if not button.agreed:
        awaited = f"{AWAITED}:{button.proposal_id}"
        await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())
        text = _("Please type why not. Only those who decide read it.")
        await show(update, context, reader, Card(text, ((Key(_("Cancel"), OpenProposals()),),)))
        return
    done = await context.write(
        awarding.settle_proposal,
        reader.linked_teacher_id,
        button.proposal_id,
        agreed=True,
        now=context.now(),
    )
    await alert(
        update,
        _("Agreed; the county decides next.")
        if done.state is TierProposalState.SCHOOL_OK
        else _("Agreed. The tier itself is given where tiers are kept."),
    )
    await _show_proposals(update, context, reader)


async def refuse(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take the reason."""
    proposal_id = int(reader.awaiting.partition(":")[2])
    await context.write(accounts.await_text, reader.account_id, "", now=context.now())
    await context.write(
        awarding.settle_proposal,
        reader.linked_teacher_id,
        proposal_id,
        agreed=False,
        reason=text[:500],
        now=context.now(),
    )
    await _show_proposals(update, context, reader)
