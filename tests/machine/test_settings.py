"""Settings, logs and the check before a start: one readable line for each mistake."""

import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from bot import checking
from bot.__main__ import app
from bot.logs import WithoutToken
from bot.menus import group_commands, private_commands
from bot.running import prepare_database
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World
from bot.settings import Settings, WrongSettings, read_settings
from locales import LANGUAGES
from storage.database import Database
from storage.people import staff
from tests import make
from tests.make import NOW
from tests.stage import Stage, StillClock

TOKEN = "123456789:AAExampleExampleExampleExample"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No setting but the folder, so that nobody's home is touched; and the logs as they were."""
    for name in [name for name in os.environ if name.startswith("QINGLAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QINGLAN_DATA", str(tmp_path))
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def test_without_any_setting_it_is_the_sandbox_on_an_embedded_database(tmp_path: Path) -> None:
    settings = read_settings()
    assert settings.sandboxed
    assert settings.database_url == f"sqlite:///{tmp_path / 'sandbox.sqlite3'}"
    assert (settings.timezone, settings.language) == ("Asia/Shanghai", "zh_Hans")


def test_an_empty_variable_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QINGLAN_TOKEN", "")
    assert read_settings().sandboxed


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TOKEN", "hello", "not a bot token"),
        ("TIMEZONE", "Mars/Olympus", "not a time zone"),
        ("LANGUAGE", "fr", "must be one of zh_Hans, zh_Hant, en"),
        ("BOT_API", "api.telegram.org", "must begin with http"),
        ("RATE", "fast", "number"),
        ("MAIL", "office@example.cn", "must be mailtos://"),
        ("RATE", "200", "more needs QINGLAN_PAID_BROADCAST=true"),
        ("WEBHOOK_PORT", "70000", "65535"),
    ],
)
def test_a_wrong_setting_is_one_readable_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(f"QINGLAN_{name}", value)
    with pytest.raises(WrongSettings) as raised:
        read_settings()
    (line,) = str(raised.value).splitlines()
    assert line.startswith(f"QINGLAN_{name} ")
    assert words in line
    done = CliRunner().invoke(app, ["run"])
    assert done.exit_code == 2
    assert "Traceback" not in done.output


def test_who_pays_may_send_a_thousand_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QINGLAN_RATE", "1000")
    monkeypatch.setenv("QINGLAN_PAID_BROADCAST", "true")
    assert read_settings().rate == 1000
    monkeypatch.setenv("QINGLAN_RATE", "1001")
    with pytest.raises(WrongSettings, match="1000"):
        read_settings()


def test_the_token_never_appears_in_a_log(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("test.token")
    blot = WithoutToken(TOKEN)
    try:
        raise ValueError(f"https://api.telegram.org/bot{TOKEN}/getMe")
    except ValueError:
        logger.exception("failed at %s", f"bot{TOKEN}")
    (record,) = caplog.records
    blot.filter(record)
    shown = logging.Formatter().format(record)
    assert TOKEN not in shown
    assert "AAExample" not in shown
    assert "<token>" in shown
    assert TOKEN not in repr(Settings(token=SecretStr(TOKEN)))


def test_load_names_the_line_of_a_mistake(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("office:\n  tenant: x\nunitz: []\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["load", str(plan)])
    assert done.exit_code == 1
    assert "plan.yaml, line" in done.output.replace("\n", " ")


def test_a_code_for_nobody_is_said_in_a_sentence() -> None:
    done = CliRunner().invoke(app, ["code", "T000000"])
    assert done.exit_code == 1
    assert "T000000" in done.output


def test_the_first_coordinator_is_made_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QINGLAN_DATABASE", str(tmp_path / "office.sqlite3"))
    prepare_database(read_settings())
    database = Database(read_settings().database_url)
    teacher_id = database.write_now(make.teacher, "顾岩", staff_no="CHDC0001")

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, [*words])
        return done.exit_code, " ".join(done.output.split())

    def has_desk() -> bool:
        return database.write_now(staff.has_desk, teacher_id, now=datetime.now(UTC))

    assert not has_desk()
    given = run("appoint", "CHDC0001", "county_coordinator")
    assert given == (0, "顾岩 is county coordinator of 澄禾县.")
    assert has_desk()
    assert run("appoint", "CHDC0001", "county_coordinator", "--until", "2001-01-01")[0] == 1
    assert run("appoint", "T9", "principal") == (
        1,
        "Nobody on the roster has the staff number T9.",
    )
    assert run("appoint", "CHDC0001", "principal", "--unit", "XX")[0] == 1
    assert run("appoint", "CHDC0001", "king")[0] == 2
    ended = run("dismiss", "CHDC0001", "county_coordinator")
    assert ended == (0, "顾岩 is no longer county coordinator of 澄禾县.")
    assert run("dismiss", "CHDC0001", "county_coordinator")[1].startswith("顾岩 is not")
    assert not has_desk()
    database.close()


async def test_the_check_finds_a_database_that_cannot_be_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QINGLAN_DATABASE", "sqlite:////proc/nowhere/x.sqlite3")
    findings = await checking.check(read_settings())
    assert any("cannot be opened" in finding.text for finding in findings if not finding.is_fine)


async def test_the_check_asks_the_bot_api_about_the_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sandbox = Sandbox(World(StillClock(NOW)), token=TOKEN)
    await sandbox.start()
    try:
        monkeypatch.setenv("QINGLAN_BOT_API", sandbox.bot_api)
        monkeypatch.setenv("QINGLAN_TOKEN", TOKEN)
        fine = await checking.check(read_settings())
        assert any("@qinglan_bot" in finding.text for finding in fine)
        assert any("roster is empty" in finding.text for finding in fine if not finding.is_fine)
        monkeypatch.setenv("QINGLAN_TOKEN", "1:wrong")
        wrong = await checking.check(read_settings())
        assert any("does not accept" in finding.text for finding in wrong)
    finally:
        await sandbox.stop()


def test_every_language_has_all_commands() -> None:
    names = {tuple(command.command for command in private_commands(code)) for code in LANGUAGES}
    assert len(names) == 1
    for code in LANGUAGES:
        for command in [*private_commands(code), *group_commands(code)]:
            assert 1 <= len(command.description) <= 256


async def test_the_menus_are_set_per_kind_of_chat_and_language(stage: Stage) -> None:
    from bot.menus import set_menus

    await set_menus(stage.office.application.bot, "zh_Hans")
    lin = stage.newcomer("林若溪", language="en")
    group = stage.world.add_group("全体教师", members=[lin.id])
    private = {one["command"] for one in stage.world.commands_for(lin.id, lin.id)}
    public = {one["command"] for one in stage.world.commands_for(lin.id, group.id)}
    assert {"menu", "hours", "unlink"} <= private
    assert "unlink" not in public
    assert "hours" in public
