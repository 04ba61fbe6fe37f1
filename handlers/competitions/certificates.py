"""Certificates of awards on paper: one page each."""

from __future__ import annotations

from collections.abc import Sequence

from handlers import documents
from locales import catalog, dates
from storage.competitions.awarding import Award


def pdf(awards: Sequence[Award], language: str) -> bytes:
    """Return the certificates as one PDF, in this language."""
    _ = catalog(language).gettext
    data = {
        "labels": {"heading": _("Certificate of award"), "number": _("No.")},
        "pages": [
            {
                "name": each.own_name,
                "school": each.school,
                "text": text(each, language),
                "award": each.award,
                "issuer": each.issuer,
                "day": dates.dated(each.awarded_on, language),
                "number": each.certificate_no,
            }
            for each in awards
        ],
    }
    return documents.render("award", data, language=language, form="pdf")[0]


def text(award: Award, language: str) -> str:
    """The sentence of a certificate."""
    _ = catalog(language).gettext
    if award.entry_title:
        said = _("has won, with “{entry}”, in {title}, {track}, the award of")
    else:
        said = _("has won in {title}, {track}, the award of")
    return said.format(entry=award.entry_title, title=award.title, track=award.track)
