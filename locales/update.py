"""Keeping the three catalogs in step with the code: ``python -m locales.update [--check]``.

Sentences are collected from the code (``[tool.babel]`` in pyproject.toml names the files) and
the catalogs are rewritten: translations are kept, sentences that are gone are dropped, nothing
is guessed. The files carry neither places nor dates, so that a change shows only words. English
is filled with the sentence itself. ``--check`` changes nothing and tells what is wrong.

For work on the source tree; the running product does not import this.
"""

import argparse
import ast
import io
import re
import string
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import PoFileError, read_po, write_po

from locales import LANGUAGES, catalog_path

ROOT = Path(__file__).parent.parent

Key = tuple[str, tuple[str, ...]]  # context and the sentence, or the sentence and its plural
Sentences = dict[Key, tuple[str, ...]]  # … and its translation, as many forms as there are

PLURAL_FORMS = {
    "zh_Hans": "nplurals=1; plural=0;",
    "zh_Hant": "nplurals=1; plural=0;",
    "en": "nplurals=2; plural=(n != 1);",
}
HEADER = """\
msgid ""
msgstr ""
"Project-Id-Version: qinglan\\n"
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plural_forms}\\n"
"""

# What careless rewriting makes of the terms of the field (domain/0-reading-the-seeds.md). The
# last one must not catch 初中学校, 高中学校 or 其中学校.
SPINNER_WORDS = re.compile(
    "国培规划|國培規劃|连续教育|連續教育|老师培训|老師培訓|早支配|勤催促|(?<![初高其集])中[学學]校"
)

_TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)[^<>]*>")
_NOT_PROSE = re.compile(r"https?://[!-~]+|&#?\w+;")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_CJK = r"[\u3400-\u9fff\uf900-\ufaff《》「」“”（）【】，。？！：；、]"
# A full stop behind a number counts a list: "1. 报名", "{n}. 报名".
_HALF_WIDTH = re.compile(
    rf'{_CJK} ?[,.?!:;()"]|[,?!:;()"] ?{_CJK}|(?<![0-9\x00])\. ?{_CJK}|(?<=\x00)\.{_CJK}'
)

_LOOKUPS = {"_", "gettext", "ngettext", "pgettext", "npgettext"}


class Unextractable(Exception):
    """The code asks for a sentence in a way that cannot be collected from it."""


def update(root: Path = ROOT) -> None:
    """Rewrite the catalogs under ``root/locales`` from the code.

    Raises ``Unextractable`` when a sentence is glued together before it is looked up.
    """
    wanted = sentences_in_code(root)
    for language in LANGUAGES:
        path = catalog_path(language, root / "locales")
        present = read_sentences(path, language) if path.exists() else {}
        if language == "en":
            merged = {key: key[1] for key in wanted}
        else:
            merged = {key: present.get(key, ("",)) for key in wanted}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_written(merged, language), encoding="utf-8")


def check(root: Path = ROOT) -> list[str]:
    """Everything that is wrong with the catalogs under ``root/locales``, a line each."""
    try:
        wanted = sentences_in_code(root)
    except Unextractable as reason:
        return str(reason).splitlines()
    return [
        f"{language}: {problem}"
        for language in LANGUAGES
        for problem in _problems(wanted, catalog_path(language, root / "locales"), language)
    ]


def sentences_in_code(root: Path) -> set[Key]:
    """All sentences that the code under ``root`` looks up.

    Raises ``Unextractable`` when there is one that Babel would pass over in silence.
    """
    with (root / "pyproject.toml").open("rb") as file:
        mappings = tomllib.load(file)["tool"]["babel"]["mappings"]
    methods = [(mapping["pattern"], mapping["method"]) for mapping in mappings]
    found: set[Key] = set()
    read: set[str] = set()
    for name, _line, message, _comments, context in extract_from_dir(
        root,
        methods,
        callback=lambda name, _method, _options: read.add(name),
    ):
        del name
        ids = (message,) if isinstance(message, str) else tuple(message)
        found.add((context or "", ids))
    glued = [
        f"{name}:{line}: a sentence must be one plain string with {{placeholders}}"
        for name in sorted(read)
        for line in _glued_sentences((root / name).read_text(encoding="utf-8"))
    ]
    if glued:
        raise Unextractable("\n".join(glued))
    return _plurals_joined(found)


def read_sentences(path: Path, language: str) -> Sentences:
    """The sentences of one catalog and their translations; fuzzy ones count as missing."""
    with path.open("rb") as file:
        messages = read_po(file, locale=language, abort_invalid=True)
    return {
        _key(message): tuple("" if message.fuzzy else text for text in _forms(message.string))
        for message in messages
        if message.id
    }


def _plurals_joined(found: set[Key]) -> set[Key]:
    # gettext knows a sentence by its singular alone: where the code uses it both with and
    # without a plural, the entry with the plural serves both.
    with_plural = {(context, ids[0]) for context, ids in found if len(ids) > 1}
    return {
        (context, ids)
        for context, ids in found
        if len(ids) > 1 or (context, ids[0]) not in with_plural
    }


def _glued_sentences(source: str) -> Iterator[int]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        name = getattr(called, "id", None) or getattr(called, "attr", None)
        # A plural asked for by the name of a plain look-up would be collected, and translated,
        # without its plural, and then not be found.
        is_plural = name == "_" and len(node.args) > 1
        if name in _LOOKUPS and (is_plural or any(map(_is_glued, node.args))):
            yield node.lineno


def _is_glued(argument: ast.expr) -> bool:
    if isinstance(argument, ast.Call):
        return isinstance(argument.func, ast.Attribute) and argument.func.attr == "format"
    return isinstance(argument, ast.JoinedStr) or (
        isinstance(argument, ast.BinOp)
        and any(_is_text(side) for side in (argument.left, argument.right))
    )


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _written(sentences: Sentences, language: str) -> str:
    catalog = Catalog(locale=language)
    for (context, ids), translation in sentences.items():
        message = catalog.add(
            ids[0] if len(ids) == 1 else ids,
            translation[0] if len(ids) == 1 else translation,
            context=context or None,
        )
        # Babel takes "100 % of" for a placeholder; ours are in braces.
        message.flags.discard("python-format")
    body = io.BytesIO()
    write_po(body, catalog, width=0, omit_header=True, no_location=True, sort_output=True)
    entries = body.getvalue().decode().rstrip("\n")
    return _header(language) + (f"\n{entries}\n" if entries else "")


def _header(language: str) -> str:
    return HEADER.format(language=language, plural_forms=PLURAL_FORMS[language])


def _key(message: Message) -> Key:
    return message.context or "", _forms(message.id)


def _forms(text: str | list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
    return (text or "",) if text is None or isinstance(text, str) else tuple(text)


def _problems(wanted: set[Key], path: Path, language: str) -> Iterator[str]:
    try:
        present = read_sentences(path, language)
    except FileNotFoundError:
        yield "there is no catalog"
        return
    except PoFileError as reason:
        yield f"cannot be read: {reason}"
        return
    if not path.read_text(encoding="utf-8").startswith(_header(language)):
        yield "has another header than it should"
    for key in sorted(wanted - present.keys()):
        yield f"not up to date, lacks {_named(key)}"
    for key in sorted(present.keys() - wanted):
        yield f"not up to date, nothing uses {_named(key)}"
    for key in sorted(wanted & present.keys()):
        for problem in _translation_problems(key[1], present[key], language):
            yield f"{_named(key)}: {problem}"


def _named(key: Key) -> str:
    context, ids = key
    return f"{ids[0]!r} ({context})" if context else repr(ids[0])


def _translation_problems(
    ids: tuple[str, ...], translation: tuple[str, ...], language: str
) -> Iterator[str]:
    forms = 2 if language == "en" and len(ids) == 2 else 1
    if len(translation) != forms or not all(text.strip() for text in translation):
        yield "not translated"
        return
    if language == "en" and translation != ids:
        yield "the English translation is not the sentence itself"
    # The one Chinese form serves all numbers, so it answers to the plural sentence.
    for original, text in zip(ids if forms == 2 else ids[-1:], translation, strict=True):
        yield from _form_problems(original, text)
        if language != "en":
            yield from _chinese_problems(text)


def _form_problems(original: str, text: str) -> Iterator[str]:
    try:
        wanted, present = _placeholders(original), _placeholders(text)
    except ValueError as reason:
        yield f"placeholders: {reason}"
        return
    if wanted != present:
        yield (
            f"placeholders differ: {', '.join(sorted(wanted)) or 'none'} in the code,"
            f" {', '.join(sorted(present)) or 'none'} here"
        )
    if Counter(_tags(original)) != Counter(_tags(text)):
        yield "HTML tags differ"
    elif not _well_nested(text):
        yield "HTML tags cross each other"
    for edge in ("\n", " "):
        if (original.startswith(edge), original.endswith(edge)) != (
            text.startswith(edge),
            text.endswith(edge),
        ):
            yield "begins or ends with another space or line break"


def _chinese_problems(text: str) -> Iterator[str]:
    for word in SPINNER_WORDS.findall(text):
        yield f"{word} is not a term of the field"
    prose = _PLACEHOLDER.sub("\0", _NOT_PROSE.sub(" ", _TAG.sub("", text)))
    for mark in _HALF_WIDTH.findall(prose):
        shown = mark.replace("\0", "{}")
        yield f"half-width punctuation beside Chinese: {shown!r}"


def _placeholders(text: str) -> set[str]:
    """What stands in braces, with its format; ``ValueError`` for broken or unnamed ones."""
    names = set()
    for _literal, name, layout, conversion in string.Formatter().parse(text):
        if name is None:
            continue
        if not name or name.isdigit():
            raise ValueError(f"one without a name in {text!r}")
        names.add(
            name + (f"!{conversion}" if conversion else "") + (f":{layout}" if layout else "")
        )
    return names


def _tags(text: str) -> list[str]:
    return [match.group() for match in _TAG.finditer(text)]


def _well_nested(text: str) -> bool:
    open_tags: list[str] = []
    for closing, name in _TAG.findall(text):
        if not closing:
            open_tags.append(name)
        elif not open_tags or open_tags.pop() != name:
            return False
    return not open_tags


def main(arguments: list[str] | None = None) -> int:
    """The command: 0 when all is well, 1 with a line for each thing that is not."""
    parser = argparse.ArgumentParser(prog="python -m locales.update", description="Catalogs.")
    parser.add_argument("--check", action="store_true", help="change nothing, say what is wrong")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.check:
        problems = check(chosen.root)
    else:
        try:
            update(chosen.root)
            problems = []
        except (Unextractable, PoFileError) as reason:
            problems = str(reason).splitlines()
    sys.stdout.writelines(f"{problem}\n" for problem in problems)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
