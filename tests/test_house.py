"""The house's own rules: which way imports point, whose clock is read, what is at the top."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from locales import LANGUAGES, catalog_path, update

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "bot": {"bot", "handlers", "storage", "locales"},
    "handlers": {"handlers", "storage", "locales"},
    "storage": {"storage"},
    "locales": {"locales"},
}
OURS = {*MAY_IMPORT, "tests"}
TOP = {
    "LICENSE",
    "Makefile",
    "README.md",
    "bot",
    "handlers",
    "locales",
    "pyproject.toml",
    "storage",
    "tests",
}


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("floor", MAY_IMPORT)
def test_imports_point_one_way(floor: str) -> None:
    for path in modules(floor):
        up = {name for name in imported(path) if name.split(".")[0] in OURS - MAY_IMPORT[floor]}
        assert not up, f"{path.relative_to(ROOT)} imports {up}"


def test_storage_has_never_heard_of_telegram() -> None:
    for path in modules("storage"):
        heard = {name for name in imported(path) if name.split(".")[0] in {"telegram", "aiohttp"}}
        assert not heard, path


def test_no_table_is_read_inside_a_transaction() -> None:
    # Reading takes a process of its own and up to a minute, in which nobody else could write.
    for path in modules("storage"):
        if path.name != "sheets.py":
            assert "sheets.read(" not in path.read_text(encoding="utf-8"), path


def test_only_the_start_command_leads_into_the_sandbox() -> None:
    for floor in MAY_IMPORT:
        for path in modules(floor):
            inside = path.is_relative_to(ROOT / "bot" / "sandbox")
            if not inside and path.name != "running.py":
                assert not any(name.startswith("bot.sandbox") for name in imported(path)), path


@pytest.mark.parametrize("floor", ["handlers", "storage", "locales"])
def test_nobody_below_the_machine_reads_the_wall_clock(floor: str) -> None:
    wall = re.compile(r"\b(datetime\.(now|utcnow|today)|date\.today|time\.time)\(")
    for path in modules(floor):
        if path.name == "update.py":
            continue
        assert not wall.search(path.read_text(encoding="utf-8")), path


def test_only_the_settings_read_the_environment() -> None:
    for floor in MAY_IMPORT:
        for path in modules(floor):
            if path.relative_to(ROOT).as_posix() in ("bot/settings.py", "bot/__init__.py"):
                continue
            assert "os.environ" not in path.read_text(encoding="utf-8"), path


def test_the_top_level_holds_what_the_design_says() -> None:
    found = {
        path.name
        for path in ROOT.iterdir()
        if not path.name.startswith(".") and not path.name.endswith(".egg-info")
    }
    assert found - {"build"} <= TOP


def test_the_lock_has_hashes_and_names_no_index() -> None:
    for path in (ROOT / ".ci").glob("requirements*.txt"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"https?://|--index|--extra|--find-links|/simple", text)
        for block in re.split(r"\n(?=\S)", text.strip()):
            assert "--hash=sha256:" in block, block.splitlines()[0]


def test_there_is_a_catalog_for_each_language_and_all_are_complete() -> None:
    assert LANGUAGES == ("zh_Hans", "zh_Hant", "en")
    assert update.check(ROOT) == []


def test_no_sentence_hides_in_an_f_string() -> None:
    """The reader of sentences does not look there, so nobody would translate it."""
    hidden = [
        f"{path}:{call.lineno}"
        for package in ("handlers", "bot")
        for path in modules(package)
        for outer in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(outer, ast.JoinedStr)
        for name, call in called(outer)
        if name in ("_", "gettext", "ngettext") and isinstance(call.args[0], ast.Constant)
    ]
    assert hidden == []


def called(node: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """The names of the functions that are called in this code, and the calls."""
    for inside in ast.walk(node):
        if isinstance(inside, ast.Call):
            function = inside.func
            yield getattr(function, "id", getattr(function, "attr", "")), inside


NO_LABELS = {"registration_state", "standing", "_title"}
"""Functions that say more than a label: a state stands behind somebody's name."""


def labels_of_keys() -> set[str]:
    """The sentences that stand on keys: those of ``Key(…)``, and of what names it or a door."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in modules("handlers")]
    calls = [call for tree in trees for name, call in called(tree) if name == "Key" and call.args]
    named = {name for call in calls for name, _call in called(call.args[0])} - NO_LABELS
    labels: list[ast.AST] = [call.args[0] for call in calls]
    labels += [
        node
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and (node.name in named or node.name.endswith("_label"))
    ]
    return {
        str(call.args[0].value)
        for label in labels
        for name, call in called(label)
        if name in ("_", "ngettext") and isinstance(call.args[0], ast.Constant)
    }


@pytest.mark.parametrize("language", ["zh_Hans", "zh_Hant"])
def test_a_key_has_at_most_eight_chinese_characters(language: str) -> None:
    sentences = update.read_sentences(catalog_path(language), language)
    said = {ids[0]: translated[0] for (_context, ids), translated in sentences.items()}
    labels = labels_of_keys()
    assert len(labels) > 200
    for label in sorted(labels & set(said)):
        chinese = re.sub(r"\{[^{}]*\}", "", said[label])
        width = sum(1.0 if ord(sign) > 0x2E80 else 0.5 for sign in chinese)
        assert width <= 8, f"{label!r}: {said[label]}"


def test_no_drawers() -> None:
    drawers = {"utils", "helpers", "manager", "service", "common", "misc"}
    for floor in MAY_IMPORT:
        names = {path.stem for path in modules(floor)}
        assert not names & drawers
