"""Profiles are data with a source, read strictly, kept in versions."""

from datetime import date
from decimal import Decimal

import pytest
from sqlmodel import Session, select

from locales import LANGUAGES
from storage.credits import profiles
from storage.credits.profiles import ProfileError, bundled, read
from storage.credits.tables import CreditProfile
from storage.database import Database
from storage.refusals import NotFound

CODES = {
    "cn-default",
    "cn-zhejiang-like",
    "cn-jiangsu-like",
    "cn-shanghai-145",
    "cn-shandong-like",
    "hk-cpd",
}


def test_the_six_profiles_come_with_the_product_and_say_their_source() -> None:
    assert set(bundled()) == CODES
    assert all(profile.source_note for profile in bundled().values())


def test_a_key_that_is_given_replaces_the_whole_key_of_what_is_extended() -> None:
    zhejiang = bundled()["cn-zhejiang-like"]
    assert zhejiang.total_required == 360
    assert set(zhejiang.levels) == {"school"}
    assert zhejiang.yearly.ceiling == 144
    assert zhejiang.new_teacher is not None
    assert zhejiang.new_teacher.within_months == 12


def test_an_unknown_key_is_named_with_its_profile() -> None:
    with pytest.raises(ProfileError, match=r"profile ours: yearly\.flor: unknown key"):
        read("code: ours\nextends: cn-default\nyearly: {flor: 72}")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- 1", "not a mapping"),
        ("code: ours\nextends: nobody", "no profile nobody"),
        ("code: ours\nextends: cn-default\nlevels: {moon: {min: 1}}", "unknown level moon"),
        ("code: ours\nextends: cn-default\ntotal_required: -1", "total_required"),
        ("code: ours\nextends: cn-default\ntotal_required: 1.25", "total_required"),
        ("code: ours\ncode: ours", "duplicate key"),
        ("source_note: x\ntotal_required: 1", "code"),
    ],
)
def test_a_wrong_document_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(ProfileError, match=says):
        read(text)


def test_a_profile_that_extends_itself_in_a_circle_is_refused() -> None:
    others = {"b": {"code": "b", "extends": "a"}}
    with pytest.raises(ProfileError, match="extends itself"):
        profiles.profile_of({"code": "a", "extends": "b"}, others)


def test_hours_become_credits_by_mode_or_by_level() -> None:
    profile = read(
        "code: ours\nextends: cn-default\nunit: credit\n"
        "conversion: {face_to_face: 6, school: 10, any: 8}"
    )
    twelve = Decimal(12)
    assert profile.amount(twelve, level="county", mode="face_to_face") == 2
    assert profile.amount(twelve, level="county", mode="remote") == Decimal("1.5")
    assert profile.amount(twelve, level="school", mode="face_to_face") == Decimal("1.2")


def test_each_profile_has_a_name_and_its_source_in_the_three_languages() -> None:
    for profile in bundled().values():
        assert set(profile.names) == set(LANGUAGES), profile.code
        assert set(profile.notes) == set(LANGUAGES) - {"en"}, profile.code
    assert len({profile.names["zh_Hans"] for profile in bundled().values()}) == len(CODES)


def test_what_extends_a_profile_is_not_called_like_it() -> None:
    ours = read("code: ours\nextends: cn-default\nsource_note: 县教育局文件")
    assert (ours.names, ours.notes) == ({}, {})


async def test_another_name_is_no_other_rule(database: Database) -> None:
    profile = bundled()["cn-default"]
    nameless = profile.model_copy(update={"names": {}, "notes": {}})
    assert (await database.write(profiles.keep_profile, nameless)).profile.version == 1
    assert await database.read(profiles.current, "cn-default") == profile
    assert (await database.write(profiles.keep_profile, profile)).profile == profile
    renamed = profile.model_copy(update={"names": {"zh_Hans": "县里的办法"}})
    assert (await database.write(profiles.keep_profile, renamed)).profile.version == 1
    assert (await database.read(profiles.current, "cn-default")).names == renamed.names


async def test_keeping_the_same_profile_again_changes_nothing(database: Database) -> None:
    profile = bundled()["cn-default"]
    first = await database.write(profiles.keep_profile, profile)
    again = await database.write(profiles.keep_profile, profile)
    assert again == first
    assert first.profile == profile


async def test_a_changed_document_is_a_new_version_and_the_old_one_stays(
    database: Database,
) -> None:
    profile = bundled()["cn-default"]
    await database.write(profiles.keep_profile, profile)
    changed = profile.model_copy(update={"total_required": Decimal(300)})
    kept = await database.write(profiles.keep_profile, changed)
    assert kept.profile.version == 2
    assert (await database.write(profiles.keep_profile, changed)) == kept
    assert (await database.read(profiles.current, "cn-default")).total_required == 300

    def versions(session: Session) -> list[int]:
        return sorted(session.exec(select(CreditProfile.version)))

    assert await database.read(versions) == [1, 2]


async def test_without_a_kept_version_the_bundled_profile_is_read(sqlite: Database) -> None:
    assert await sqlite.read(profiles.current, "hk-cpd") == bundled()["hk-cpd"]
    with pytest.raises(NotFound):
        await sqlite.read(profiles.current, "nowhere")


async def test_a_cycle_is_kept_by_its_code_and_can_be_moved(database: Database) -> None:
    kept = await database.write(profiles.keep_profile, bundled()["cn-default"])

    def keep(session: Session, end: date) -> int:
        start = date(2026, 9, 1)
        return profiles.keep_cycle(session, kept.id, code="C2026", start=start, end=end)

    first = await database.write(keep, date(2031, 8, 31))
    assert await database.write(keep, date(2030, 8, 31)) == first
