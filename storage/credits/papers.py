"""Evidence: what may be sent as one, and which is shown to whoever reviews.

What is shown is noted, so that it can be taken away again.
"""

from datetime import datetime

from sqlmodel import Session

from storage.people import drafts
from storage.refusals import Refusal

KIND = "evidence"
PICTURES = (".jpg", ".jpeg", ".png", ".heic", ".webp", ".bmp", ".tif", ".tiff")
DOCUMENTS = (
    *(".pdf", ".ofd"),
    *(".doc", ".docx", ".wps", ".odt", ".rtf"),
    *(".xls", ".xlsx", ".et", ".ods"),
    *(".ppt", ".pptx", ".dps", ".odp"),
)


class NotEvidence(Refusal):
    """A file of another kind: it would be handed on to whoever reviews."""


def check_name(name: str) -> None:
    """Raise NotEvidence unless the file is a picture or a document. A photo has no name."""
    if name and not name.lower().endswith((*PICTURES, *DOCUMENTS)):
        raise NotEvidence


def swap(session: Session, account_id: int, message_id: int | None, *, now: datetime) -> int | None:
    """Note that this message shows it now (None: none does); return the one that did."""
    before = drafts.read(session, account_id, KIND, lock=True)
    if message_id is None:
        drafts.drop(session, account_id, KIND)
    else:
        drafts.keep(session, account_id, KIND, {"message_id": message_id}, now=now)
    return None if before is None else before["message_id"]
