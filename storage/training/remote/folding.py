"""Where people stand follows from the snapshots of all imports that hold.

An item's figure is that of the newest snapshot that says anything of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel, col, func, select

from storage.tables import DOCUMENT
from storage.training.remote.counting import Counted, counted
from storage.training.remote.tables import Progress, ProgressImport, ProgressSnapshot
from storage.training.results import TAKES_PART

PART = 10_000  # rows in one statement


Line = tuple[dict[int, float], float | None, date | None]
"""What a table says of one participant: figures by item, a score, and the day of last study."""


@dataclass(slots=True)
class Stand:
    """Where one participant stands."""

    figures: dict[int, float]
    score: float | None = None
    active: date | None = None
    as_of: datetime | None = None
    import_id: int = 0
    percent: float = 0.0
    is_started: bool = False
    is_learned: bool = False


def stands_of(session: Session, batch_id: int) -> dict[int, Stand]:
    """Where everybody stands; not when they studied last, nor by which import that is known."""
    progress = SQLModel.metadata.tables["progress"].c
    rows = session.connection().execute(
        sa.select(
            sa.cast(progress.figures, sa.Text()),
            progress.registration_id,
            progress.score,
            progress.percent,
            progress.is_started,
            progress.is_learned,
        ).where(progress.batch_id == batch_id)
    )
    return {
        id_: Stand(figures, score, None, None, 0, percent, started, learned)
        for figures, (_, id_, score, percent, started, learned) in _with_figures(rows.all())
    }


def _with_figures(rows: Sequence[Any]) -> Iterator[tuple[dict[int, float], Any]]:
    """Each row beside the document that stands first in it as text.

    All of them are read as one: read one by one, they would take longer than all the rest.
    """
    documents = "[" + ",".join(row[0] for row in rows) + "]"
    return zip(json.loads(documents, object_hook=by_item), rows, strict=True)


def by_item(figures: Mapping[str, float]) -> dict[int, float]:
    return {int(id_): figure for id_, figure in figures.items()}


def said_by(session: Session, import_id: int) -> dict[int, Line]:
    snapshot = SQLModel.metadata.tables["progress_snapshot"].c
    rows = (
        session.connection()
        .execute(
            sa.select(
                sa.cast(snapshot.figures, sa.Text()),
                snapshot.registration_id,
                snapshot.score,
                snapshot.last_active,
            ).where(snapshot.import_id == import_id)
        )
        .all()
    )
    return {
        id_: (figures, score, active) for figures, (_, id_, score, active) in _with_figures(rows)
    }


def folded(
    session: Session,
    batch_id: int,
    counts: Counted,
    *,
    until: datetime | None = None,
    ids: set[int] | None = None,
) -> dict[int, Stand]:
    """Where people stand by the imports as of ``until`` or earlier, the newest first.

    An item's figure is that of the newest snapshot that has one. Imports older than those that
    say everything of everybody are not looked at.
    """
    query = select(ProgressImport.id, ProgressImport.as_of).where(
        ProgressImport.batch_id == batch_id, col(ProgressImport.undone_at).is_(None)
    )
    if until is not None:
        query = query.where(ProgressImport.as_of <= until)
    order = col(ProgressImport.as_of).desc(), col(ProgressImport.id).desc()
    stands: dict[int, Stand] = {}
    wanted = {item.id for item in counts.items}
    scored, dated = session.exec(
        select(
            func.count(col(ProgressSnapshot.score)), func.count(col(ProgressSnapshot.last_active))
        )
        .join(ProgressImport, col(ProgressImport.id) == col(ProgressSnapshot.import_id))
        .where(ProgressImport.batch_id == batch_id, col(ProgressImport.undone_at).is_(None))
    ).one()
    for import_id, as_of in session.exec(query.order_by(*order)).all():
        is_open = False
        for id_, (figures, score, active) in said_by(session, import_id).items():
            if ids is not None and id_ not in ids:
                continue
            stand = stands.get(id_)
            if stand is None:
                stand = stands[id_] = Stand({}, as_of=as_of, import_id=import_id)
            stand.figures = {**figures, **stand.figures}
            stand.score = score if stand.score is None else stand.score
            stand.active = active if stand.active is None else stand.active
        is_open = any(
            not wanted <= stand.figures.keys()
            or (scored and stand.score is None)
            or (dated and stand.active is None)
            for stand in stands.values()
        )
        if not is_open and ids is not None and len(stands) == len(ids):
            break
    for stand in stands.values():
        stand.figures = {id_: stand.figures[id_] for id_ in stand.figures if id_ in wanted}
        stand.percent = counts.percent(stand.figures)
        stand.is_learned = counts.is_learned(stand.figures)
        stand.is_started = counts.is_started(stand.percent)
    return stands


def recount(session: Session, batch_id: int, ids: set[int] | None = None) -> None:
    """Let what these people have done follow from the snapshots; None is the whole class.

    Called by whoever changes what counts. The caller holds the lock of the class.
    """
    counts = counted(session, batch_id)
    stands = folded(session, batch_id, counts, ids=ids)
    if ids is None:
        ids = set(
            session.exec(select(Progress.registration_id).where(Progress.batch_id == batch_id))
        )
    for part in parts(sorted(ids - stands.keys()), 500):
        session.exec(sa.delete(Progress).where(col(Progress.registration_id).in_(part)))
    rows = [
        {
            "registration_id": registration_id,
            "batch_id": batch_id,
            "import_id": stand.import_id,
            "as_of": stand.as_of,
            "figures": {str(id_): figure for id_, figure in stand.figures.items()},
            "percent": stand.percent,
            "is_started": stand.is_started,
            "is_learned": stand.is_learned,
            "score": stand.score,
            "last_active": stand.active,
        }
        for registration_id, stand in stands.items()
    ]
    table = SQLModel.metadata.tables["progress"]
    adding = _engine(session).insert(table)
    putting = adding.on_conflict_do_update(
        index_elements=["registration_id"],
        set_={
            name: adding.excluded[name]
            for name in table.columns.keys()  # noqa: SIM118
            if name not in ("id", "registration_id", "batch_id")
        },
    )
    for part in parts(rows, PART):
        session.connection().execute(putting, part)
    session.expire_all()


def insert_snapshots(session: Session, kept: ProgressImport, lines: str) -> int:
    """Let the database itself unpack the lines, a JSON list; return how many it took.

    Each is ``[registration, figures, score, last active, percent, is learned]``. Who does not
    take part any more is left out.
    """
    table = SQLModel.metadata.tables["progress_snapshot"]
    registration = SQLModel.metadata.tables["registration"].c
    said = sa.bindparam("lines", lines, sa.Text())
    types = (table.c.id.type, DOCUMENT, sa.Float(), sa.Date(), sa.Float(), sa.Boolean())
    if session.get_bind().dialect.name == "sqlite":
        each: Any = func.json_each(said).table_valued("value")
        parts_of: list[Any] = [
            func.json_extract(each.c.value, f"$[{n}]", type_=type_) for n, type_ in enumerate(types)
        ]
    else:
        each = func.jsonb_array_elements(sa.cast(said, DOCUMENT)).column_valued("value")
        parts_of = [sa.cast(each.op("->>")(n), type_) for n, type_ in enumerate(types)]
    who, figures, score, active, percent, is_learned = parts_of
    names = ("registration_id", "import_id", "figures", "percent", "is_learned", "score")
    done = session.connection().execute(
        sa.insert(table).from_select(
            [*names, "last_active"],
            sa.select(
                who,
                sa.literal(kept.id, table.c.import_id.type),
                figures,
                percent,
                is_learned,
                score,
                active,
            ).where(
                # Asked row by row: the other way round each person would unpack the list.
                sa.exists().where(
                    registration.id == who,
                    registration.batch_id == kept.batch_id,
                    registration.state.in_(TAKES_PART),
                )
            ),
        )
    )
    return int(done.rowcount)


def overlay(session: Session, kept: ProgressImport, counts: Counted) -> None:
    """Lay the snapshots of the newest import over what is known, in one statement."""
    table = SQLModel.metadata.tables["progress"]
    snapshot = SQLModel.metadata.tables["progress_snapshot"]
    said = sa.select(
        snapshot.c.registration_id,
        sa.literal(kept.batch_id, table.c.batch_id.type),
        snapshot.c.import_id,
        sa.literal(kept.as_of, table.c.as_of.type),
        snapshot.c.figures,
        snapshot.c.percent,
        snapshot.c.percent > counts.start_threshold,
        snapshot.c.is_learned,
        snapshot.c.score,
        snapshot.c.last_active,
    ).where(snapshot.c.import_id == kept.id)
    adding = _engine(session).insert(table)
    new = adding.excluded
    names = ("import_id", "as_of", "percent", "is_started", "is_learned")
    more = ("score", "last_active")
    session.connection().execute(
        adding.from_select(
            ["registration_id", "batch_id", *names[:2], "figures", *names[2:], *more],
            said,
        ).on_conflict_do_update(
            index_elements=["registration_id"],
            set_={name: new[name] for name in names}
            | {
                "figures": _merged(session, table.c.figures, new.figures),
                "score": func.coalesce(new.score, table.c.score),
                "last_active": func.coalesce(new.last_active, table.c.last_active),
            },
        )
    )


def _engine(session: Session) -> Any:
    return sqlite if session.get_bind().dialect.name == "sqlite" else postgresql


def _merged(session: Session, old: Any, new: Any) -> Any:
    """One document over another."""
    if session.get_bind().dialect.name == "sqlite":
        return func.json_patch(old, new, type_=DOCUMENT)
    return old.op("||", return_type=DOCUMENT)(new)


def parts(whole: list[Any], size: int) -> Iterator[list[Any]]:
    return (whole[first : first + size] for first in range(0, len(whole), size))
