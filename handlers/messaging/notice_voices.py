"""A notice as it goes out, and what its author and a second person are told of it."""

from __future__ import annotations

from handlers.cards import Keys
from handlers.context import House
from handlers.messaging.notice_text import letter_card
from handlers.messaging.releasing_text import answered_card, second_card, stopped_card
from handlers.messaging.voices import File, Nothing, Said, Say
from storage.messaging import notices, seconding
from storage.messaging.notices import Letter
from storage.messaging.outbox import Claimed
from storage.moments import local_day
from storage.refusals import NotAllowed, NotFound, OwnCase

LETTERS = 64  # messages in the words of a language that are kept while they go out


def _files(letter: Letter, keys: Keys) -> tuple[File, ...]:
    """The files of a notice; under the last one stand the keys of the notice once more."""
    last = len(letter.files)
    return tuple(
        File(
            each.file_id,
            each.is_photo,
            caption=each.name if each.is_photo else "",
            keys=keys if number == last else (),
        )
        for number, each in enumerate(letter.files, 1)
    )


async def notice(house: House, row: Claimed) -> Said:
    """M04, as it reads when it is sent; not to whom it has reached another way."""
    if row.teacher_id is None:
        return Nothing("it is nobody's")
    notice_id = row.facts["notice_id"]
    now = house.clock()
    standing = await house.database.read(notices.standing, notice_id, row.teacher_id, now=now)
    if standing is None:
        return Nothing("it is withdrawn")
    revision, confirmed, is_overdue = standing
    if confirmed and not row.facts.get("ringing"):
        return Nothing("it has been confirmed already")
    today = local_day(now, house.zone)
    # Tens of thousands get the same words, in three languages at most.
    key = (notice_id, revision, row.language, today, confirmed, is_overdue)
    said: Say | None = house.letters.get(key)
    if said is None:
        letter = await house.database.read(notices.letter, notice_id)
        if letter is None:
            return Nothing("it is withdrawn")
        card = letter_card(
            letter, row.language, house.zone, today, confirmed=confirmed, is_overdue=is_overdue
        )
        said = Say(card, files=_files(letter, card.keys))
        if letter.revision == revision:
            while len(house.letters) >= LETTERS:
                del house.letters[next(iter(house.letters))]
            house.letters[key] = said
    return said


async def second(house: House, row: Claimed) -> Said:
    """Somebody else is asked to agree to an urgent notice."""
    assert row.teacher_id is not None
    now = house.clock()
    try:
        facts = await house.database.write(
            seconding.second_look, row.teacher_id, row.facts["notice_id"], now=now
        )
    except (NotFound, OwnCase, NotAllowed):
        return Nothing("it is not this person's to decide any more")
    if facts is None or facts.stamp != row.facts["asked"]:
        return Nothing("it does not wait any more")
    return Say(second_card(facts, row.language, house.zone, local_day(now, house.zone)))


async def answered(_house: House, row: Claimed) -> Said:
    """What the second person said."""
    return Say(answered_card(row.facts, row.language))


async def stopped(_house: House, row: Claimed) -> Said:
    """A notice did not go out, and why."""
    return Say(stopped_card(row.facts, row.language))
