"""A group of a competition: bound by who tends its organiser's groups."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session, select

from storage.competitions import round_cards, rules, venues
from storage.competitions.tables import RoundCard
from storage.database import Database
from storage.messaging import binding
from storage.messaging.binding import Met
from storage.messaging.tables import Chat, ChatPurpose
from storage.people import roles
from storage.people.tables import Role
from storage.refusals import NotAllowed
from tests import make
from tests.competitions import making
from tests.competitions.test_setup import refused
from tests.make import NOW

TODAY = NOW.date()


def appointed(session: Session, name: str, role: Role, unit_id: int) -> int:
    who = make.teacher(session, name)
    make.account(session, who)
    roles.appoint(session, who, role, unit_id, today=TODAY, now=NOW)
    return who


async def test_a_group_is_bound_to_a_competition_and_its_card_hangs_there(
    database: Database,
) -> None:
    def play(session: Session) -> list[object]:
        county = make.county(session)
        gu = appointed(session, "顾岩", Role.COUNTY_COORDINATOR, county)
        luo = appointed(session, "罗佳宁", Role.SCHOOL_COORDINATOR, make.school(session))
        made = making.competition(session, begins=NOW + timedelta(days=1))
        rules.freeze(session, made.id, now=NOW)
        chat_id = binding.begin(session, gu, Met(-100_7, "课堂大赛群"), now=NOW)
        other_id = binding.begin(session, luo, Met(-100_8, "校内群"), now=NOW)

        def bind(who: int, chat: int) -> binding.Bound:
            return binding.bind(
                session, who, chat, ChatPurpose.COMPETITION, made.id, "zh_Hans", seen=0, now=NOW
            )

        offered = [line.name for line in binding.competitions(session, gu, chat_id, now=NOW).lines]
        none = binding.competitions(session, luo, other_id, now=NOW).lines
        bound = bind(gu, chat_id)
        stranger = refused(lambda: bind(luo, other_id))
        second = binding.begin(session, gu, Met(-100_9, "又一个群"), now=NOW)
        twice = refused(lambda: bind(gu, second))
        chat = session.get_one(Chat, chat_id)
        late = round_cards.late(session, now=NOW)
        round_cards.hang_late(session, late)
        first = venues.rounds(session, made.id)[0]
        hung = session.exec(select(RoundCard.chat_id, RoundCard.round_id)).all()
        before = len(round_cards.due(session, now=NOW))
        after = len(round_cards.due(session, now=NOW + timedelta(days=2)))
        facts = [
            offered == ["课堂教学大赛"],
            none,
            bound.place.programme,
            (chat.competition_id == made.id, chat.unit_id == county),
            stranger,
            twice,
            [tuple(row) for row in hung] == [(chat_id, first.id)],
            round_cards.late(session, now=NOW),
            (before, after),
        ]
        binding.unbind(session, gu, chat_id, now=NOW)
        session.refresh(chat)
        facts.append((chat.purpose, chat.competition_id))
        facts.append(len(round_cards.due(session, now=NOW + timedelta(days=2))))
        return facts

    assert await database.write(play) == [
        True,
        (),
        "课堂教学大赛",
        (True, True),
        NotAllowed,
        binding.SecondPlace,
        True,
        (),
        (0, 1),
        (None, None),
        0,
    ]


async def test_a_card_is_hung_by_who_organises_in_a_group_that_they_tend(
    database: Database,
) -> None:
    def play(session: Session) -> list[object]:
        county = make.county(session)
        gu = appointed(session, "顾岩", Role.COUNTY_COORDINATOR, county)
        luo = appointed(session, "罗佳宁", Role.SCHOOL_COORDINATOR, make.school(session))
        officer = appointed(session, "梁素问", Role.RESEARCH_OFFICER, county)
        made = making.competition(session, begins=NOW + timedelta(days=1))
        first = venues.rounds(session, made.id)[0].id
        chat = Chat(tg_chat_id=-9, title="全体", purpose=ChatPurpose.ALL_STAFF, unit_id=county)
        session.add(chat)
        session.flush()

        def hang(who: int) -> object:
            try:
                return round_cards.hang_in(session, who, first, chat.id, now=NOW)
            except NotAllowed:
                return NotAllowed

        shown = round_cards.places(session, gu, first, now=NOW).lines
        return [hang(luo), hang(officer), [hangs for _g, hangs in shown], hang(gu), hang(gu)]

    assert await database.write(play) == [NotAllowed, NotAllowed, [False], True, False]
