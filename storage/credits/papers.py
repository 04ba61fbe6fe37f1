"""Which piece of evidence is shown to whoever reviews, so that it can be taken away again."""

from datetime import datetime

from sqlmodel import Session, select

from storage.people.tables import Draft

KIND = "evidence"


def swap(session: Session, account_id: int, message_id: int | None, *, now: datetime) -> int | None:
    """Note that this message shows it now (None: none does); return the one that did."""
    row = session.exec(
        select(Draft).where(Draft.account_id == account_id, Draft.kind == KIND)
    ).first()
    before = None if row is None else row.data.get("message_id")
    if message_id is None:
        if row is not None:
            session.delete(row)
    else:
        if row is None:
            row = Draft(account_id=account_id, kind=KIND, updated_at=now)
            session.add(row)
        row.data, row.updated_at = {"message_id": message_id}, now
    session.flush()
    return before
