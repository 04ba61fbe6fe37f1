"""The field's words: levels, modes, states and audiences, in the reader's language."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping

from locales import catalog
from storage.training.tables import Enrolment, Level, Mode, RegistrationState


def level(value: Level | str, language: str) -> str:
    """Whose programme it is."""
    _ = catalog(language).gettext
    return {
        "national": _("national"),
        "provincial": _("provincial"),
        "city": _("city"),
        "county": _("county"),
        "school": _("school-based"),
    }.get(str(value), str(value))


def mode(value: Mode | str, language: str) -> str:
    """How it is taught."""
    _ = catalog(language).gettext
    return {
        "face_to_face": _("face to face"),
        "remote": _("remote"),
        "shadowing": _("shadowing"),
        "blended": _("blended"),
        "outreach": _("sent to rural schools"),
        "live": _("live online"),
    }.get(str(value), str(value))


def category(value: str, language: str) -> str:
    """What it is about."""
    _ = catalog(language).gettext
    return {
        "ethics": _("ethics and conduct"),
        "post_skill": _("teaching skills"),
        "new_curriculum": _("new curriculum"),
        "degree_upgrade": _("degree upgrading"),
        "ict": _("information technology"),
        "digital": _("digital skills"),
        "management": _("school management"),
        "homeroom": _("class teachers"),
        "subject_backbone": _("subject backbone teachers"),
        "remote_admin": _("remote-training coordinators"),
        "pre_service": _("pre-service training"),
        "new_teacher_completion": _("new-teacher completion"),
        "kindergarten": _("kindergarten teachers"),
        "kg_cert_prep": _("kindergarten certificate preparation"),
        "outreach": _("outreach to rural schools"),
        "school_based": _("school-based study"),
        "counsellor": _("counsellors"),
        "research": _("teaching research"),
    }.get(value, _("other training"))


def enrolment(value: Enrolment, language: str) -> str:
    """Through which door teachers come in."""
    _ = catalog(language).gettext
    return {
        Enrolment.OPEN: _("register yourself"),
        Enrolment.MENU: _("choose from the menu"),
        Enrolment.NOMINATION: _("the school nominates"),
        Enrolment.AUTOMATIC: _("everybody concerned is enrolled"),
        Enrolment.INVITATION: _("by invitation"),
    }[value]


def registration_state(value: RegistrationState, language: str) -> str:
    """Where a registration stands, in the teacher's own words."""
    _ = catalog(language).gettext
    return {
        RegistrationState.SUBMITTED: _("registered, with the school for approval"),
        RegistrationState.NOMINATED: _("nominated by the school, your answer is awaited"),
        RegistrationState.SCHOOL_APPROVED: _("approved by the school, with the county"),
        RegistrationState.APPROVED: _("you have a place"),
        RegistrationState.WAITLISTED: _("on the waiting list"),
        RegistrationState.OFFERED: _("a seat is held for you"),
        RegistrationState.ATTENDING: _("taking part"),
        RegistrationState.COMPLETED: _("completed"),
        RegistrationState.NOT_COMPLETED: _("not completed"),
        RegistrationState.RETURNED: _("returned"),
        RegistrationState.REJECTED: _("not approved"),
        RegistrationState.DECLINED: _("declined"),
        RegistrationState.WITHDRAWN: _("withdrawn"),
        RegistrationState.EXEMPT: _("exempt"),
        RegistrationState.NO_SHOW: _("did not attend"),
        RegistrationState.DROPPED: _("dropped out"),
    }[value]


def standing(value: RegistrationState, language: str) -> str:
    """Where somebody's registration stands, for whoever looks after them."""
    _ = catalog(language).gettext
    others = {
        RegistrationState.NOMINATED: _("nominated by the school, the teacher's answer is awaited"),
        RegistrationState.APPROVED: _("has a place"),
        RegistrationState.OFFERED: _("a seat is held, the teacher's answer is awaited"),
    }
    return others.get(value) or registration_state(value, language)


def fact_key(value: str, language: str) -> str:
    """What an audience asks about."""
    _ = catalog(language).gettext
    return {
        "stage": _("stage"),
        "subject": _("subject"),
        "tier": _("tier"),
        "duty": _("duty"),
        "post": _("post"),
        "role": _("role"),
        "entry_route": _("way of entry"),
        "hire_year": _("year of hire"),
        "area_type": _("area"),
        "cert": _("certificate"),
        "unit": _("school"),
        "state": _("working state"),
        "posting": _("posting"),
    }.get(value, value)


def fact_value(value: str, language: str) -> str:
    """A value of a fact; a subject by its name here, and any other name as it is."""
    _ = catalog(language).gettext
    # Rosters write subjects as simplified Chinese has them.
    if language != "zh_Hans" and value in (subjects := _subjects(language)):
        return subjects[value]
    return {
        "senior": _("senior secondary"),
        "junior": _("junior secondary"),
        "primary": _("primary"),
        "kindergarten": _("kindergarten"),
        "vocational": _("vocational"),
        "new": _("new teacher"),
        "rising_star": _("rising star"),
        "backbone": _("backbone teacher"),
        "named_leader": _("named teacher or principal"),
        "master_educator": _("master educator"),
        "homeroom": _("class teacher"),
        "principal": _("principal"),
        "vice_principal": _("vice-principal"),
        "middle_leader": _("middle leader"),
        "grade_head": _("head of a grade"),
        "group_head": _("head of a research group"),
        "remote_admin": _("remote-training administrator"),
        "counsellor": _("counsellor"),
        "school_cio": _("school information officer"),
        "school_coordinator": _("school training coordinator"),
        "county_coordinator": _("county coordinator"),
        "research_officer": _("research officer"),
        "special_post": _("special-post teacher"),
        "open_exam": _("open examination"),
        "general_subject": _("all-subject teacher"),
        "free_normal": _("publicly funded normal student"),
        "transfer": _("transfer"),
        "contract": _("contract"),
        "senior_full": _("full senior teacher"),
        "senior_associate": _("senior teacher"),
        "urban": _("urban"),
        "town": _("town"),
        "rural": _("rural"),
        "none": _("none yet"),
        "active": _("in service"),
        "long_leave": _("on long leave"),
        "seconded": _("seconded"),
        "retired": _("retired"),
        "left": _("left"),
    }.get(value, value)


def _subjects(language: str) -> dict[str, str]:
    """The subjects of the national curriculum, and of kindergartens."""
    pgettext = catalog(language).pgettext
    return {
        "保教": pgettext("subject", "care and education"),
        "语文": pgettext("subject", "Chinese"),
        "数学": pgettext("subject", "mathematics"),
        "英语": pgettext("subject", "English"),
        "道德与法治": pgettext("subject", "morality and law"),
        "思想政治": pgettext("subject", "politics"),
        "历史": pgettext("subject", "history"),
        "地理": pgettext("subject", "geography"),
        "物理": pgettext("subject", "physics"),
        "化学": pgettext("subject", "chemistry"),
        "生物": pgettext("subject", "biology"),
        "科学": pgettext("subject", "science"),
        "信息科技": pgettext("subject", "information science"),
        "信息技术": pgettext("subject", "information technology"),
        "通用技术": pgettext("subject", "general technology"),
        "音乐": pgettext("subject", "music"),
        "美术": pgettext("subject", "fine arts"),
        "体育": pgettext("subject", "physical education"),
        "体育与健康": pgettext("subject", "physical education and health"),
        "劳动": pgettext("subject", "labour"),
        "综合实践": pgettext("subject", "integrated practice"),
        "心理健康": pgettext("subject", "mental health"),
        "特殊教育": pgettext("subject", "special education"),
    }


def joined(values: Iterable[str], language: str) -> str:
    """Several names as one list, escaped for HTML."""
    separator = ", " if language == "en" else "、"
    return separator.join(html.escape(fact_value(value, language)) for value in values)


def audience(wanted: Mapping[str, Iterable[str]], language: str) -> str:
    """For whom a programme is; everybody when nothing is asked."""
    _ = catalog(language).gettext
    if not wanted:
        return _("all teachers")
    separator = "; " if language == "en" else "；"
    return separator.join(
        _("{what}: {values}").format(what=fact_key(key, language), values=joined(values, language))
        for key, values in wanted.items()
    )


def obstacle_names(language: str) -> dict[str, str]:
    """What holds somebody up in remote training, by its key."""
    _ = catalog(language).gettext
    return {
        "no_network": _("no network"),
        "sick": _("illness"),
        "forgot": _("forgotten so far"),
        "not_updated": _("studied, not updated yet"),
        "account": _("cannot log in"),
        "other": _("another reason"),
    }
