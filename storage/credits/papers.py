"""Which piece of evidence is shown to whoever reviews, so that it can be taken away again."""

from datetime import datetime

from sqlmodel import Session

from storage.people import drafts

KIND = "evidence"


def swap(session: Session, account_id: int, message_id: int | None, *, now: datetime) -> int | None:
    """Note that this message shows it now (None: none does); return the one that did."""
    before = drafts.read(session, account_id, KIND, lock=True)
    if message_id is None:
        drafts.drop(session, account_id, KIND)
    else:
        drafts.keep(session, account_id, KIND, {"message_id": message_id}, now=now)
    return None if before is None else before["message_id"]
