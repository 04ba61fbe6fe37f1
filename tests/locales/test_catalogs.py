"""The look-up of words, and the care for the catalogs."""

from pathlib import Path

import pytest

from locales import (
    DEFAULT_LANGUAGE,
    LANGUAGE_NAMES,
    LANGUAGES,
    best_language,
    catalog,
    catalog_path,
)
from locales.update import ROOT, check, main, sentences_in_code, update

PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
CODE = """
def greet(language: str) -> str:
    catalog_of_reader = catalog(language)
    _ = catalog_of_reader.gettext
    ngettext = catalog_of_reader.ngettext
    return _("Hello, <b>{name}</b>.") + ngettext("One seat left", "{n} seats left", 2)


def label(language: str) -> str:
    return catalog(language).pgettext("button", "Back")
"""
COMPLETE = {
    "zh_Hans": ("你好，<b>{name}</b>。", "还剩{n}个名额", "返回"),
    "zh_Hant": ("你好，<b>{name}</b>。", "還剩{n}個名額", "返回"),
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree of one handler, with catalogs that are complete."""
    (tmp_path / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (tmp_path / "handlers" / "people").mkdir(parents=True)
    (tmp_path / "handlers" / "people" / "greeting.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "__main__.py").write_text('_("Stopped")\n', encoding="utf-8")
    update(tmp_path)
    for language, (hello, seats, back) in COMPLETE.items():
        stopped = "已停止"
        change(tmp_path, language, 'left"\nmsgstr[0] ""', f'left"\nmsgstr[0] "{seats}"')
        for original, text in (
            ("Hello, <b>{name}</b>.", hello),
            ("Back", back),
            ("Stopped", stopped),
        ):
            change(tmp_path, language, f'"{original}"\nmsgstr ""', f'"{original}"\nmsgstr "{text}"')
    return tmp_path


def text_of(tree: Path, language: str) -> str:
    return catalog_path(language, tree / "locales").read_text(encoding="utf-8")


def change(tree: Path, language: str, old: str, new: str) -> None:
    text = text_of(tree, language)
    assert old in text
    catalog_path(language, tree / "locales").write_text(text.replace(old, new), encoding="utf-8")


def test_every_language_has_a_name_and_a_catalog_that_can_be_read() -> None:
    assert set(LANGUAGE_NAMES) == set(LANGUAGES)
    for language in LANGUAGES:
        assert catalog(language).info()["language"] == language


def test_a_catalog_is_compiled_once() -> None:
    assert catalog("en") is catalog("en")


def test_an_unknown_language_reads_the_office_language() -> None:
    assert catalog("tlh", default="en") is catalog("en")
    assert catalog("tlh") is catalog("", default="nonsense") is catalog(DEFAULT_LANGUAGE)


def test_a_sentence_that_no_catalog_knows_comes_out_in_english_with_its_plural() -> None:
    for language in LANGUAGES:
        words = catalog(language)
        assert words.gettext("No catalog has this.") == "No catalog has this."
        assert words.ngettext("{n} apple", "{n} apples", 1) == "{n} apple"
        assert words.ngettext("{n} apple", "{n} apples", 2) == "{n} apples"
        assert words.pgettext("fruit", "Nothing") == "Nothing"


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("zh", "zh_Hans"),
        ("zh-hans", "zh_Hans"),
        ("zh-Hans-SG", "zh_Hans"),
        ("zh-hans-hk", "zh_Hans"),
        ("ZH-CN", "zh_Hans"),
        ("zh_cn", "zh_Hans"),
        ("zh-hant", "zh_Hant"),
        ("zh-TW", "zh_Hant"),
        ("zh-hk", "zh_Hant"),
        ("zh-mo", "zh_Hant"),
        ("zh-Hant-HK", "zh_Hant"),
        ("en", "en"),
        ("en-GB", "en"),
        ("EN", "en"),
    ],
)
def test_a_reader_begins_in_the_language_of_the_telegram_app(code: str, language: str) -> None:
    assert best_language(code, "en" if language != "en" else "zh_Hant") == language


@pytest.mark.parametrize("code", [None, "", " ", "-", "pt-br", "tlh", "eng-lish", "z", "汉语"])
def test_a_reader_of_a_language_we_do_not_speak_begins_in_that_of_the_office(
    code: str | None,
) -> None:
    assert best_language(code, "zh_Hant") == "zh_Hant"
    assert best_language(code, "nonsense") == "zh_Hans"


def test_the_mapping_in_pyproject_finds_the_sentences_of_handlers_and_bot(tree: Path) -> None:
    assert sentences_in_code(tree) == {
        ("", ("Hello, <b>{name}</b>.",)),
        ("", ("One seat left", "{n} seats left")),
        ("", ("Stopped",)),
        ("button", ("Back",)),
    }


def test_complete_catalogs_have_nothing_wrong(tree: Path) -> None:
    assert check(tree) == []
    assert main(["--check", "--root", str(tree)]) == 0


def test_english_is_filled_with_the_sentences_themselves(tree: Path) -> None:
    english = text_of(tree, "en")
    assert 'msgid "Stopped"\nmsgstr "Stopped"' in english
    assert 'msgstr[0] "One seat left"\nmsgstr[1] "{n} seats left"' in english


def test_an_update_that_finds_nothing_new_changes_no_letter(tree: Path) -> None:
    before = {language: text_of(tree, language) for language in LANGUAGES}
    update(tree)
    assert {language: text_of(tree, language) for language in LANGUAGES} == before
    assert "greeting.py" not in before["en"]
    assert "Date" not in before["en"]


def test_an_update_keeps_translations_drops_what_is_gone_and_guesses_nothing(tree: Path) -> None:
    (tree / "bot" / "__main__.py").write_text('_("Stopped now")\n', encoding="utf-8")
    update(tree)
    chinese = text_of(tree, "zh_Hans")
    assert "还剩{n}个名额" in chinese
    assert "已停止" not in chinese
    assert "fuzzy" not in chinese
    assert check(tree) == [
        "zh_Hans: 'Stopped now': not translated",
        "zh_Hant: 'Stopped now': not translated",
    ]


def test_new_and_vanished_sentences_make_the_catalogs_out_of_date(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "bot" / "__main__.py").write_text('_("Started")\n', encoding="utf-8")
    problems = check(tree)
    assert "en: not up to date, lacks 'Started'" in problems
    assert "zh_Hant: not up to date, nothing uses 'Stopped'" in problems
    assert main(["--check", "--root", str(tree)]) == 1
    assert "lacks 'Started'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("language", "old", "new", "problem"),
    [
        ("zh_Hans", '"返回"', '""', "not translated"),
        ("zh_Hans", '"返回"', '"  "', "not translated"),
        ("en", 'msgstr[1] "{n} seats left"', 'msgstr[1] ""', "not translated"),
        ("en", 'msgstr "Back"', 'msgstr "Bakc"', "is not the sentence itself"),
        ("zh_Hans", "还剩{n}个", "还剩几个", "placeholders differ: n in the code, none here"),
        ("zh_Hans", "还剩{n}个", "还剩{seats}个", "n in the code, seats here"),
        ("zh_Hans", "还剩{n}个", "还剩{n:02}个", "n in the code, n:02 here"),
        ("zh_Hans", "还剩{n}个", "还剩{}个", "one without a name"),
        ("zh_Hans", "还剩{n}个", "还剩{n个", "placeholders: "),
        ("zh_Hans", "你好，<b>{name}</b>", "你好，{name}", "HTML tags differ"),
        ("zh_Hans", "，<b>{name}</b>", "，<i>{name}</i>", "HTML tags differ"),
        ("zh_Hans", "，<b>{name}</b>", "，</b>{name}<b>", "HTML tags cross each other"),
        ("zh_Hans", '"返回"', '"返回\\n"', "another space or line break"),
        ("zh_Hans", "已停止", "国培规划已停止", "国培规划 is not a term of the field"),
        ("zh_Hant", "已停止", "連續教育已停止", "連續教育 is not a term"),
        ("zh_Hans", "已停止", "全县中学校已停止", "中学校 is not a term"),
        ("zh_Hans", "你好，", "你好,", "half-width punctuation"),
        ("zh_Hans", "</b>。", "</b>.完", "half-width punctuation"),
        ("zh_Hans", "已停止", "已停止.", "half-width punctuation"),
        ("zh_Hans", "已停止", "已停止 (完)", "half-width punctuation"),
        ("zh_Hans", "zh_Hans", "zh", "another header"),
    ],
)
def test_a_broken_catalog_is_caught(
    tree: Path, language: str, old: str, new: str, problem: str
) -> None:
    change(tree, language, old, new)
    problems = check(tree)
    assert problems
    assert all(found.startswith(f"{language}: ") for found in problems)
    assert any(problem in found for found in problems)


@pytest.mark.parametrize(
    "text",
    [
        "初中学校、高中学校和其中学校均已停止",
        "已于17:00停止，共1,000人，占82.4%",
        "已停止：{0}".replace("{0}", "https://example.org/a?b=1;c"),
        "1. 已停止",
        "已停止&lt;完&gt;",
        "请用 /help",
        "“已停止”（完）",
    ],
)
def test_chinese_that_is_well_set_is_left_alone(tree: Path, text: str) -> None:
    change(tree, "zh_Hans", "已停止", text)
    assert check(tree) == []


def test_a_missing_and_an_unreadable_catalog_are_told(tree: Path) -> None:
    catalog_path("en", tree / "locales").unlink()
    change(tree, "zh_Hant", 'msgid "Stopped"', "Stopped")
    assert "en: there is no catalog" in check(tree)
    assert any(problem.startswith("zh_Hant: cannot be read") for problem in check(tree))


@pytest.mark.parametrize(
    "call",
    [
        '_(f"Hello {name}")',
        'words.gettext(f"Hello {name}")',
        '_("Hello " + name)',
        '_("Hello {name}".format(name=name))',
        '_("Hello %s" % name)',
        '_("One seat left", "{n} seats left", 2)',
    ],
)
def test_a_sentence_that_is_glued_before_it_is_looked_up_is_told_with_its_line(
    tree: Path, call: str
) -> None:
    (tree / "bot" / "broken.py").write_text(f"name = 'x'\n{call}\n", encoding="utf-8")
    told = "bot/broken.py:2: a sentence must be one plain string with {placeholders}"
    assert check(tree) == [told]
    assert main(["--root", str(tree)]) == 1


def test_a_fuzzy_translation_counts_as_none(tree: Path) -> None:
    change(tree, "zh_Hans", 'msgid "Stopped"', '#, fuzzy\nmsgid "Stopped"')
    assert check(tree) == ["zh_Hans: 'Stopped': not translated"]


def test_a_sentence_used_with_and_without_a_plural_is_one_entry(tree: Path) -> None:
    (tree / "bot" / "__main__.py").write_text('_("One seat left")\n_("Stopped")', encoding="utf-8")
    assert check(tree) == []
