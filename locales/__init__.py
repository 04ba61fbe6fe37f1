"""Words, dates, numbers and names in the reader's language.

Sentences stand in the code in English and are looked up in the catalog of a language:
``_ = catalog(language).gettext``. The catalogs are the ``qinglan.po`` files beside this one;
they are compiled in memory on first use, so there is no ``.mo`` to build, forget or commit.
"""

import io
from functools import cache
from gettext import GNUTranslations
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("zh_Hans", "zh_Hant", "en")
LANGUAGE_NAMES = {"zh_Hans": "简体中文", "zh_Hant": "繁體中文", "en": "English"}
DEFAULT_LANGUAGE = "zh_Hans"
DOMAIN = "qinglan"


def catalog(language: str, default: str = DEFAULT_LANGUAGE) -> GNUTranslations:
    """The translations of a language: ``gettext``, ``ngettext``, ``pgettext``, ``npgettext``.

    A language that we do not speak gives the default. A sentence that is not in the catalog
    comes out as it stands in the code, in English.
    """
    return _compiled(known(language, default))


def known(language: str, default: str = DEFAULT_LANGUAGE) -> str:
    """The language itself if we speak it, else the default."""
    if language in LANGUAGES:
        return language
    return default if default in LANGUAGES else DEFAULT_LANGUAGE


def best_language(telegram_code: str | None, default: str = DEFAULT_LANGUAGE) -> str:
    """The language to begin with for somebody whose Telegram says ``telegram_code``.

    Telegram sends IETF tags of any kind, or none (domain/6-glossary.md §6.1). Chinese of the
    mainland and of nowhere in particular is simplified; that of Taiwan, Hong Kong and Macao is
    traditional; English is English; all others read the office's own language.
    """
    main, *parts = (telegram_code or "").strip().lower().replace("_", "-").split("-")
    if main == "zh":
        if "hans" in parts:
            return "zh_Hans"
        return "zh_Hant" if {"hant", "tw", "hk", "mo"}.intersection(parts) else "zh_Hans"
    if main == "en":
        return "en"
    return known(default)


def catalog_path(language: str, folder: Path | None = None) -> Path:
    """Where the catalog of a language is kept."""
    return (folder or Path(__file__).parent) / language / f"{DOMAIN}.po"


@cache
def _compiled(language: str) -> GNUTranslations:
    with catalog_path(language).open("rb") as file:
        messages = read_po(file, locale=language, domain=DOMAIN)
    compiled = io.BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return GNUTranslations(compiled)
