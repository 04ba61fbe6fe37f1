"""Imports: a file that was dropped, what it would do, and what became of it.

A preview keeps the file, so that applying it reads the very same; a file that is settled is
forgotten, because it says more than the house keeps (phone numbers, for one): at once, or after
a day where it can still be sent back with what was wrong in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.deeds import Deed
from storage.people.tables import ImportJob, ImportState
from storage.refusals import NotAllowed, NotFound, Refusal

KEPT = timedelta(hours=24)
"""How long a preview waits to be applied."""
SHOWN = 8


class PreviewOutdated(Refusal):
    """Something has changed since the preview, which therefore is not what would happen."""


class NoLongerWaiting(Refusal):
    """The import was cancelled, or waited too long; ``state`` says what it is."""

    def __init__(self, state: ImportState) -> None:
        super().__init__(f"the import is {state}")
        self.state = state


@dataclass(frozen=True)
class Import:
    """One import in a list; ``found`` are its figures."""

    job_id: int
    kind: str
    file_name: str
    at: datetime
    state: ImportState
    found: dict[str, Any]
    undo_id: int | None
    """The deed, as long as it can be undone."""
    undo_until: datetime | None


def keep_preview(
    session: Session,
    actor_id: int,
    kind: str,
    file_name: str,
    content: bytes,
    found: Mapping[str, Any] | None = None,
    *,
    now: datetime,
    subject_id: int | None = None,
) -> int:
    """Keep a preview; the same file by the same person again is the same preview, made anew."""
    sha256 = hashlib.sha256(content).hexdigest()
    job = session.exec(
        select(ImportJob)
        .where(
            ImportJob.by_id == actor_id,
            ImportJob.kind == kind,
            ImportJob.sha256 == sha256,
            ImportJob.state == ImportState.PREVIEWED,
            ImportJob.subject_id == subject_id,
        )
        .order_by(col(ImportJob.id).desc())
        .with_for_update(key_share=True)
    ).first()
    if job is None:
        job = ImportJob(
            kind=kind,
            by_id=actor_id,
            at=now,
            file_name=file_name[:200],
            sha256=sha256,
            content=content,
            subject_id=subject_id,
        )
        session.add(job)
    job.at, job.found = now, dict(found or {})
    session.flush()
    return job.id


def own(session: Session, actor_id: int, job_id: int, kind: str = "") -> ImportJob:
    """The actor's own import, locked. Raises NotFound or NotAllowed."""
    job = session.exec(
        select(ImportJob)
        .where(ImportJob.id == job_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).first()
    if job is None or (kind and job.kind != kind):
        raise NotFound("import")
    if job.by_id != actor_id:
        raise NotAllowed
    return job


@dataclass(frozen=True)
class Waiting:
    """A file that waits to be applied, or is still kept."""

    kind: str
    name: str
    content: bytes


def content_of(session: Session, actor_id: int, job_id: int, of_kind: str = "") -> Waiting:
    """A file that is kept. Raises NotFound, NotAllowed, or NoLongerWaiting once forgotten."""
    row = session.exec(
        select(
            ImportJob.by_id,
            ImportJob.state,
            ImportJob.kind,
            ImportJob.file_name,
        ).where(ImportJob.id == job_id)
    ).first()
    if row is None or (of_kind and row[2] != of_kind):
        raise NotFound("import")
    by_id, state, kind, name = row
    if by_id != actor_id:
        raise NotAllowed
    content = session.exec(select(ImportJob.content).where(ImportJob.id == job_id)).one()
    if not content:
        raise NoLongerWaiting(ImportState(state))
    return Waiting(kind, name, bytes(content))


def kind_of(session: Session, actor_id: int, job_id: int) -> str:
    """What is imported by it. Raises NotFound or NotAllowed."""
    row = session.exec(
        select(ImportJob.by_id, ImportJob.kind).where(ImportJob.id == job_id)
    ).first()
    if row is None:
        raise NotFound("import")
    if row[0] != actor_id:
        raise NotAllowed
    return row[1]


def settle(
    session: Session,
    job: ImportJob,
    state: ImportState,
    *,
    now: datetime,
    found: dict[str, Any] | None = None,
    deed_id: int | None = None,
    forget: bool = True,
) -> None:
    """Say what became of it, and forget the file; without ``forget`` a day later."""
    job.state, job.settled_at = state, now
    if forget:
        job.content = b""
    if found is not None:
        job.found = found
    if deed_id is not None:
        job.deed_id = deed_id
    session.flush()


def cancel(session: Session, actor_id: int, job_id: int, *, now: datetime) -> bool:
    """Give up a preview; False when it did not wait any more."""
    job = own(session, actor_id, job_id)
    if job.state is not ImportState.PREVIEWED:
        return False
    settle(session, job, ImportState.CANCELLED, now=now)
    return True


def undone(session: Session, deed_id: int, actor_id: int, *, now: datetime) -> None:
    """The deed was undone: so is the import that did it, if one did."""
    for job in session.exec(select(ImportJob).where(ImportJob.deed_id == deed_id)).all():
        settle(session, job, ImportState.UNDONE, now=now)
        audit.record(session, actor_id, "undo_import", f"import_job:{job.id}", now=now)


def recent(
    session: Session, actor_id: int, kinds: tuple[str, ...], *, now: datetime
) -> tuple[Import, ...]:
    """The actor's own last imports, newest first."""
    rows = session.exec(
        sa.select(  # type: ignore[call-overload]
            col(ImportJob.id),
            col(ImportJob.kind),
            col(ImportJob.file_name),
            col(ImportJob.at),
            col(ImportJob.state),
            col(ImportJob.found),
            col(ImportJob.deed_id),
            col(Deed.until),
            col(Deed.undone_at),
        )
        .outerjoin(Deed, col(Deed.id) == col(ImportJob.deed_id))
        .where(col(ImportJob.by_id) == actor_id, col(ImportJob.kind).in_(kinds))
        .order_by(col(ImportJob.id).desc())
        .limit(SHOWN)
    ).all()
    return tuple(
        Import(
            job_id,
            kind,
            name,
            at,
            state,
            found,
            deed_id if deed_id and undone_at is None and until and now < until else None,
            until,
        )
        for job_id, kind, name, at, state, found, deed_id, until, undone_at in rows
    )


def forget_old(session: Session, *, now: datetime) -> int:
    """Give up previews that nobody has applied within a day; no file is kept any longer."""
    session.exec(
        sa.update(ImportJob)
        .where(col(ImportJob.settled_at) <= now - KEPT, sa.func.length(ImportJob.content) > 0)
        .values(content=b"")
    )
    gone = session.exec(
        sa.update(ImportJob)
        .where(
            col(ImportJob.state) == ImportState.PREVIEWED,
            col(ImportJob.at) <= now - KEPT,
        )
        .values(state=ImportState.CANCELLED, settled_at=now, content=b"")
    )
    return int(gone.rowcount)
