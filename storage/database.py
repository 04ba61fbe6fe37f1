"""Whole transactions in one hop: ``await database.write(operation, …)``.

An operation is a plain function of a ``Session``. It runs from begin to commit on a thread
of its own kind: on SQLite one writer beside a few readers, so that nobody waits for a lock;
on PostgreSQL a few of each. What is waiting for a writer is committed in groups, each
operation behind its own savepoint: one flush to disk serves up to 64 taps of an opening hour,
and a refusal undoes only itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, StatementError
from sqlmodel import Session

from storage import scratch

P = ParamSpec("P")
T = TypeVar("T")

GROUP = 64
READERS = 4
POSTGRES_WRITERS = 4
TRIES = 5

logger = logging.getLogger(__name__)


@dataclass
class _Job:
    """An operation and whoever waits for its answer: a loop's future, or a thread's."""

    run: Callable[[Session], Any]
    future: asyncio.Future[Any] | Future[Any]
    loop: asyncio.AbstractEventLoop | None = None

    def is_wanted(self) -> bool:
        """Whether the answer is still waited for; asked once, before the work begins."""
        if isinstance(self.future, Future):
            return self.future.set_running_or_notify_cancel()
        return not self.future.cancelled()


@dataclass(frozen=True)
class _Answer:
    job: _Job
    value: Any = None
    failure: BaseException | None = None

    def give(self) -> None:
        """Hand the answer over, in the thread of whoever waits for it."""
        future = self.job.future
        if future.done():  # given up meanwhile
            return
        if self.failure is None:
            future.set_result(self.value)
        elif isinstance(self.failure, StopIteration):  # no future takes it
            future.set_exception(RuntimeError("the operation ran out of something"))
        else:
            future.set_exception(self.failure)


class Database:
    """One database, SQLite or PostgreSQL, by its SQLAlchemy address.

    ``sqlite:///path`` and ``postgresql+psycopg://…`` are understood; a bare path of a file
    and ``postgresql://…`` are taken to mean these.
    """

    def __init__(self, url: str) -> None:
        self.url = self.address(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        writers = 1 if self.is_sqlite else POSTGRES_WRITERS
        self._writer = _engine(self.url, writers, writes=True)
        self._reader = _engine(self.url, READERS, writes=False)
        self._jobs: deque[_Job] = deque()
        self._arrived = threading.Condition()
        self._closing = False
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="database-reader")
        self._copier = scratch.engine(self.url)
        # One at a time: a copy takes memory, and rehearsing is nobody's hurry.
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="database-aside")
        self._threads = [
            threading.Thread(target=self._serve, name=f"database-writer-{n}", daemon=True)
            for n in range(writers)
        ]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def address(url: str) -> sa.URL:
        """The whole address that a short one means."""
        return sa.make_url(_complete(url))

    async def write(
        self,
        operation: Callable[Concatenate[Session, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run the operation in a transaction and return its answer once that is committed."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._put(_Job(lambda session: operation(session, *args, **kwargs), future, loop))
        return await future

    async def read(
        self,
        operation: Callable[Concatenate[Session, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run the operation on a read-only snapshot; it does not hold up writers."""

        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        job = _Job(lambda session: operation(session, *args, **kwargs), future, loop)
        self._readers.submit(self._look, job)
        return await future

    async def aside(
        self,
        copied: scratch.Copied,
        operation: Callable[Concatenate[Session, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run the operation on a scratch copy of these rows; whatever it does is forgotten.

        It may write as it likes, nobody waits for it, and nothing of it can reach anybody.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        job = _Job(lambda session: operation(session, *args, **kwargs), future, loop)
        self._aside.submit(self._try, job, copied)
        return await future

    def write_now(
        self,
        operation: Callable[Concatenate[Session, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """The same as ``write`` for code without an event loop (the command line)."""
        future: Future[T] = Future()
        self._put(_Job(lambda session: operation(session, *args, **kwargs), future))
        return future.result()

    def close(self) -> None:
        """Finish what is waiting and let go of the connections."""
        with self._arrived:
            self._closing = True
            self._arrived.notify_all()
        for thread in self._threads:
            thread.join()
        self._readers.shutdown()
        self._aside.shutdown()
        self._writer.dispose()
        self._reader.dispose()

    def _put(self, job: _Job) -> None:
        with self._arrived:
            if self._closing:
                raise RuntimeError("the database is closed")
            self._jobs.append(job)
            self._arrived.notify()

    def _serve(self) -> None:
        while True:
            with self._arrived:
                while not self._jobs and not self._closing:
                    self._arrived.wait()
                if not self._jobs:
                    return
                group = [self._jobs.popleft() for _ in range(min(GROUP, len(self._jobs)))]
            group = [job for job in group if job.is_wanted()]
            answers = self._commit_together(group) if len(group) > 1 else None
            if answers is None:
                for job in group:
                    _give([self._commit_alone(job)])
            else:
                _give(answers)

    def _look(self, job: _Job) -> None:
        if not job.is_wanted():
            return
        try:
            with Session(self._reader) as session:
                answer = _Answer(job, job.run(session))
        except BaseException as error:
            answer = _Answer(job, failure=error)
        _give([answer])

    def _try(self, job: _Job, copied: scratch.Copied) -> None:
        if not job.is_wanted():
            return
        try:
            with scratch.opened(self._copier, copied) as session:
                answer = _Answer(job, job.run(session))
        except BaseException as error:
            answer = _Answer(job, failure=error)
        _give([answer])

    def _commit_together(self, group: list[_Job]) -> list[_Answer] | None:
        """Commit all jobs at once; None when the whole must be done again one by one."""
        answers: list[_Answer] = []
        try:
            with self._writer.connect() as connection, connection.begin():
                # Savepoints by the driver's cursor, and one session emptied after each job:
                # saying them through SQLAlchemy is a third of what a registration costs.
                run = connection.connection.cursor().execute
                session = Session(connection, join_transaction_mode="rollback_only")
                for job in group:
                    run("SAVEPOINT job")
                    try:
                        answer = job.run(session)
                        session.flush()
                        answers.append(_Answer(job, answer))
                    except StatementError:
                        # Whatever the database refuses ends the session's whole transaction.
                        raise
                    except Exception as error:
                        answers.append(_Answer(job, failure=error))
                        run("ROLLBACK TO SAVEPOINT job")
                    finally:
                        session.close()
                    run("RELEASE SAVEPOINT job")
        except Exception:
            logger.debug("A group of %d was not committed, one by one now", len(group))
            return None
        return answers

    def _commit_alone(self, job: _Job) -> _Answer:
        for attempt in range(1, TRIES + 1):
            try:
                with Session(self._writer) as session:
                    answer = job.run(session)
                    session.commit()
            except OperationalError as error:
                # Deadlock, serialization failure, a server that restarts: the operation is
                # a function of the database alone, so it is simply run again.
                if attempt == TRIES or self.is_sqlite:
                    return _Answer(job, failure=error)
                threading.Event().wait(0.05 * attempt)
            except BaseException as error:
                return _Answer(job, failure=error)
            else:
                return _Answer(job, answer)
        raise AssertionError("unreachable")


def _give(answers: Sequence[_Answer]) -> None:
    """Hand out the answers of a commit, waking each event loop once."""
    of_loop: dict[asyncio.AbstractEventLoop, list[_Answer]] = {}
    for answer in answers:
        if answer.job.loop is None:
            answer.give()
        else:
            of_loop.setdefault(answer.job.loop, []).append(answer)
    for loop, theirs in of_loop.items():
        # A loop that has ended meanwhile has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_give_all, theirs)


def _give_all(answers: Sequence[_Answer]) -> None:
    for answer in answers:
        answer.give()


def _complete(url: str) -> str:
    if "://" not in url:
        return f"sqlite:///{url}"
    if url.startswith(("postgresql://", "postgres://")):
        return "postgresql+psycopg://" + url.split("://", 1)[1]
    return url


def _engine(url: sa.URL, size: int, *, writes: bool) -> sa.Engine:
    if url.get_backend_name() != "sqlite":
        options = "" if writes else "-c default_transaction_read_only=on"
        return sa.create_engine(
            url,
            pool_size=size,
            max_overflow=0,
            pool_pre_ping=True,
            connect_args={"options": options} if options else {},
        )

    engine = sa.create_engine(
        url, poolclass=sa.QueuePool, pool_size=size, connect_args={"check_same_thread": False}
    )

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # The driver must not open transactions by itself: see the begin hook.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=30000",
            "journal_size_limit=67108864",
            "wal_autocheckpoint=4000",
            "temp_store=MEMORY",
            "cache_size=-65536",
            f"query_only={'OFF' if writes else 'ON'}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # IMMEDIATE takes the write lock before anything is read, so what an operation has
        # read is still true when it writes.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
