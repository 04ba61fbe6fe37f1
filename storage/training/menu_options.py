"""Which menu a batch is an option of: as long as it is not settled, one comes in through it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.training.refusals import ChosenFromMenu, NotSelfRegistration
from storage.training.tables import Batch, Enrolment, Menu, MenuOption, Programme

LIVE_MENU = sa.and_(col(Menu.settled_at).is_(None), col(Menu.cancelled_at).is_(None))
"""The condition on ``Menu`` that its seats are still to be given out."""


def live_menus(session: Session, batch_ids: Collection[int]) -> dict[int, int]:
    """Return the menus that these batches are live options of, by batch."""
    rows = session.exec(
        select(MenuOption.batch_id, MenuOption.menu_id)
        .join(Menu, col(Menu.id) == col(MenuOption.menu_id))
        .where(col(MenuOption.batch_id).in_(batch_ids), LIVE_MENU)
    ).all()
    return dict(rows)


def without_menu(session: Session, batch_ids: Collection[int]) -> set[int]:
    """Return those of these batches that one chooses from a menu, and that were never in one.

    Nobody comes in before the menu is made: being quick is worth nothing.
    """
    rows = session.exec(
        select(Batch.id)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .outerjoin(MenuOption, col(MenuOption.batch_id) == col(Batch.id))
        .where(
            col(Batch.id).in_(batch_ids),
            Programme.enrolment == Enrolment.MENU,
            col(MenuOption.id).is_(None),
        )
    ).all()
    return set(rows)


def refuse_if_chosen(session: Session, batch_id: int, title: str) -> None:
    """Raise ChosenFromMenu while the batch is an option of a menu that is not settled.

    And NotSelfRegistration while there is no menu yet.
    """
    if without_menu(session, [batch_id]):
        raise NotSelfRegistration(title, Enrolment.MENU)
    found = session.exec(
        select(Programme.title, Menu.title, Menu.closes_at)
        .select_from(MenuOption)
        .join(Menu, col(Menu.id) == col(MenuOption.menu_id))
        .join(Batch, col(Batch.id) == col(MenuOption.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(MenuOption.batch_id == batch_id, LIVE_MENU)
    ).first()
    if found is not None:
        title, menu, closes_at = found
        raise ChosenFromMenu(title, menu, closes_at)


def closes_within(now: datetime) -> sa.ColumnElement[bool]:
    """The condition on ``Menu`` that one can choose now."""
    return sa.and_(LIVE_MENU, col(Menu.opens_at) <= now, col(Menu.closes_at) > now)
