"""A sandbox for each test, and two independent clients that talk to it over HTTP."""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from aiogram import Bot as Aiogram
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from telegram import Bot

import bot  # sets how python-telegram-bot gives durations, before it is imported
from bot.clock import Clock
from bot.sandbox.chats import Chat, Person
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World

assert bot.__doc__

MORNING = datetime(2027, 3, 1, 1, 0, tzinfo=UTC)


def picture(width: int = 320, height: int = 200, grey: int = 160) -> bytes:
    """A PNG of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = (b"\x00" + bytes([grey]) * width) * height
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def world() -> World:
    return World(Clock(MORNING))


@pytest.fixture
def wang(world: World) -> Person:
    """Has pressed Start."""
    return world.add_person("王芳", note="实验小学 · 语文", pinned=True, started=True)


@pytest.fixture
def li(world: World) -> Person:
    """Has not pressed Start."""
    return world.add_person("李强", username="li_qiang", note="第三中学 · 数学")


@pytest.fixture
def group(world: World, wang: Person, li: Person) -> Chat:
    """A supergroup in which the bot is a plain member."""
    return world.add_group("实验小学教研群", members=[wang.id], admins=[li.id])


@pytest.fixture
async def sandbox(world: World) -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(world, webhook_back_off=0.05)
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


@pytest.fixture
async def ptb(sandbox: Sandbox) -> AsyncIterator[Bot]:
    async with Bot(
        sandbox.token,
        base_url=f"{sandbox.bot_api}/bot",
        base_file_url=f"{sandbox.bot_api}/file/bot",
    ) as ptb:
        yield ptb


@pytest.fixture
async def aiogram(sandbox: Sandbox) -> AsyncIterator[Aiogram]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(sandbox.bot_api))
    client = Aiogram(sandbox.token, session=session)
    yield client
    await session.close()
