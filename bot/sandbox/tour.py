"""The guided tour: ten steps by which a newcomer meets the product, and which are done.

A step is done once the world shows it: what somebody tapped and how it was answered, what
stands in their private chat. Nothing is asked of the database, and nothing rests on a
sentence of one language, only on what the keys mean and on the titles of the sample county.
What was done once stays done.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from bot.sandbox.chats import Chat, Message, Person, Tap
from bot.sandbox.refusals import Json
from bot.sandbox.world import TAP_LIFETIME, World
from handlers.buttons import Button, tag_of
from handlers.credits.buttons import OpenHours
from handlers.messaging.buttons import (
    ChooseReminder,
    GroupRegister,
    ReminderDone,
    ReminderLater,
    ReminderMute,
)
from handlers.people.buttons import ReportError
from handlers.training.buttons import (
    AcceptOffer,
    AskWhy,
    OpenDue,
    OpenMine,
    OpenProgrammes,
    Register,
    SetInterest,
    Withdraw,
)
from locales import DEFAULT_LANGUAGE, best_language, catalog, known

FIRST, SECOND = "林若溪", "周明远"
GROUP = "澄禾县教师培训通知群"
WORKSHOP = "小学语文作业设计工作坊"  # has one seat left
CALLIGRAPHY = "书法与板书：一堂课的最后一笔"  # the first whose registration closes

# Keys that only somebody who is linked is ever shown.
LINKED = (ReportError, OpenMine, OpenHours, OpenProgrammes, Register)
REMINDER = (ReminderDone, ReminderLater, ReminderMute, ChooseReminder)
COMMANDS = {"/mine": OpenMine.tag, "/hours": OpenHours.tag, "/due": OpenDue.tag}
NEWEST = 50  # messages of a private chat that are looked at

# What is written on the keys, as handlers say it in English; the bot speaks to each person
# in that person's language, whatever language the page is read in.
KEYS = {
    "menu": "Menu",
    "back": "Back",
    "register": "Register",
    "mine": "My registrations",
    "hours": "My hours",
    "due": "What is due",
    "wait": "Join the waiting list",
    "fitting": "Training for me",
    "remind": "Remind me",
    "withdraw": "Withdraw",
    "sure": "Yes, withdraw",
    "accept": "Accept",
    "why": "Why?",
}
_CODE = re.compile(r"邀请码 (\w+)")


@dataclass(frozen=True)
class Words:
    """A step in one language; ``text`` has placeholders for keys, titles and the link code."""

    title: str
    text: str


@dataclass(frozen=True)
class Step:
    """One step: who does it and where, and by what one knows that it is done."""

    id: str
    person: str
    in_group: bool
    clock: str | None
    is_done: Callable[[Tour], bool]
    words: dict[str, Words]


class Tour:
    """The ten steps in a world. ``steps`` may be asked after each change: it looks at news only."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._done: set[str] = set()
        self._people: dict[str, int] = {}
        self._group_id: int | None = None
        self._batches: dict[str, str] = {}
        self._last_tap = 0
        self._last_card = 0
        self._unanswered: list[Tap] = []
        # When whose tap on which key was answered last, and when last by which alert.
        self._answered: dict[tuple[str, str], float] = {}
        self._alerted: dict[tuple[str, str], tuple[float, str]] = {}
        self._shown: set[tuple[str, str]] = set()

    def steps(self, language: str) -> list[Json]:
        """The ten steps in order, in a language (``zh_Hans`` for one that is not spoken)."""
        self._look()
        spoken = known(language, DEFAULT_LANGUAGE)
        return [self._told(step, step.words[spoken]) for step in STEPS]

    def dump(self) -> list[str]:
        """Which steps are done, for keeping."""
        return [step.id for step in STEPS if step.id in self._done]

    def load(self, dumped: Iterable[str]) -> None:
        """Take up what ``dump`` gave."""
        self._done.update({step.id for step in STEPS}.intersection(dumped))

    def _told(self, step: Step, words: Words) -> Json:
        person = self._person(step.person)
        group = self._group()
        chat_id = None if person is None else person.id
        if step.in_group:
            chat_id = None if group is None else group.id
        return {
            "id": step.id,
            "title": words.title,
            "text": words.text.format(**self._said(person)),
            "person": None if person is None else person.id,
            "chat": chat_id,
            "clock": step.clock,
            "done": step.id in self._done,
        }

    def _said(self, person: Person | None) -> dict[str, str]:
        """What stands for the placeholders when this person does the step."""
        speech = catalog(best_language(person.language_code if person else None)).gettext
        code = _CODE.search(person.note) if person else None
        return {
            **{name: speech(label) for name, label in KEYS.items()},
            "first": FIRST,
            "second": SECOND,
            "group": GROUP,
            "workshop": WORKSHOP,
            "calligraphy": CALLIGRAPHY,
            "code": code[1] if code else "········",
        }

    # -- what the steps rest on ------------------------------------------------------------

    def answered(self, name: str, button: type[Button], field: str = "") -> float:
        """When this person's tap on such a key was answered last; 0 if it never was."""
        return self._answered.get((name, f"{button.tag}:{field}" if field else button.tag), 0)

    def alerted(self, name: str, button: type[Button], title: str) -> float:
        """When a tap on this title's key was last answered by an alert that names it, or 0.

        An alert that does not name it says that something went wrong.
        """
        at, text = self._alerted.get((name, f"{button.tag}:{self.batch(title)}"), (0.0, ""))
        return at if title in text else 0

    def shown(self, name: str, *buttons: type[Button], title: str = "") -> bool:
        """Whether one of these keys was in this person's private chat, below this title."""
        return any((name, button.tag + title) in self._shown for button in buttons)

    def batch(self, title: str) -> str:
        """What the keys call the batch of this title; ``-`` before its card has come."""
        return self._batches.get(title, "-")

    def has_done(self, step_id: str) -> bool:
        return step_id in self._done

    # -- looking at the world --------------------------------------------------------------

    def _look(self) -> None:
        """Take in what has happened since the last look."""
        missing = [step for step in STEPS if step.id not in self._done]
        if not missing:
            return
        self._look_at_cards()
        self._look_at_taps()
        for name in (FIRST, SECOND):
            self._look_at_private(name)
        for step in missing:
            if step.is_done(self):
                self._done.add(step.id)

    def _person(self, name: str) -> Person | None:
        person = self._world.people.get(self._people.get(name, 0))
        if person is None or person.name != name:
            people = self._world.people.values()
            person = next((one for one in people if one.name == name), None)
            if person is not None:
                self._people[name] = person.id
        return person

    def _group(self) -> Chat | None:
        group = None if self._group_id is None else self._world.chats.get(self._group_id)
        if group is None or group.title != GROUP:
            group = next((one for one in self._world.chats.values() if one.title == GROUP), None)
            self._group_id = None if group is None else group.id
        return group

    def _look_at_cards(self) -> None:
        """Learn from the group's cards what the keys call the two batches."""
        group = self._group()
        if group is None or len(self._batches) == 2:
            return
        newest = self._last_card
        for message in reversed(group.messages.values()):
            if message.order <= self._last_card:
                break
            newest = max(newest, message.order)
            text = _text(message)
            for title in (WORKSHOP, CALLIGRAPHY):
                if title in text:
                    for data in _keys(message):
                        if tag_of(data) == GroupRegister.tag:
                            self._batches[title] = data.partition(":")[2]
        self._last_card = newest

    def _look_at_taps(self) -> None:
        names = {one.id: one.name for name in (FIRST, SECOND) if (one := self._person(name))}
        fresh: list[Tap] = []
        for tap in reversed(self._world.taps.values()):
            if int(tap.id) <= self._last_tap:
                break
            fresh.append(tap)
        if fresh:
            self._last_tap = int(fresh[0].id)
        waiting = self._unanswered + [tap for tap in reversed(fresh) if tap.person_id in names]
        self._unanswered = []
        for tap in waiting:
            if tap.answer is not None:
                self._note(names[tap.person_id], tap)
            elif self._world.clock() - tap.at <= TAP_LIFETIME:
                self._unanswered.append(tap)

    def _note(self, name: str, tap: Tap) -> None:
        at = tap.at.timestamp()
        # By what the key is, and by each field more of what it names.
        parts = tap.data.split(":")
        for length in range(1, len(parts) + 1):
            key = (name, ":".join(parts[:length]))
            self._answered[key] = at
            if tap.answer is not None and tap.answer.show_alert:
                self._alerted[key] = (at, tap.answer.text)

    def _look_at_private(self, name: str) -> None:
        person = self._person(name)
        chat = None if person is None else self._world.chats.get(person.id)
        if chat is None:
            return
        is_answered = False
        for message in islice(reversed(chat.messages.values()), NEWEST):
            if message.sender_id == self._world.bot_id:
                is_answered = True
                tags = {tag_of(data) for data in _keys(message)}
                self._shown.update((name, tag) for tag in tags)
                if AcceptOffer.tag in tags and WORKSHOP in _text(message):
                    self._shown.add((name, AcceptOffer.tag + WORKSHOP))
            elif is_answered and (tag := COMMANDS.get(_text(message).strip())):
                at = max(float(message.body["date"]), self._answered.get((name, tag), 0))
                self._answered[name, tag] = at


def _text(message: Message) -> str:
    return str(message.body.get("text") or message.body.get("caption") or "")


def _keys(message: Message) -> list[str]:
    """The callback data of a message's keys."""
    rows = (message.body.get("reply_markup") or {}).get("inline_keyboard", ())
    return [key["callback_data"] for row in rows for key in row if "callback_data" in key]


# -- when a step is done -----------------------------------------------------------------------


def _linked(tour: Tour) -> bool:
    return tour.shown(FIRST, *LINKED)


def _registered(tour: Tour) -> bool:
    return tour.alerted(FIRST, GroupRegister, WORKSHOP) > 0


def _saw_it(tour: Tour) -> bool:
    # A command is dated to the second, and may be of the second of the tap.
    registered = tour.alerted(FIRST, GroupRegister, WORKSHOP)
    return tour.has_done("register") and 0 < int(registered) <= tour.answered(FIRST, OpenMine)


def _saw_hours(tour: Tour) -> bool:
    return tour.answered(FIRST, OpenHours) > 0


def _saw_due(tour: Tour) -> bool:
    return tour.answered(FIRST, OpenDue) > 0


def _waits(tour: Tour) -> bool:
    """The second tapped after the first, so the seat was gone."""
    taken = tour.alerted(FIRST, GroupRegister, WORKSHOP)
    taps = (tour.alerted(SECOND, kind, WORKSHOP) for kind in (GroupRegister, Register))
    return tour.has_done("register") and any(0 < taken <= moment for moment in taps)


def _asked(tour: Tour) -> bool:
    return tour.answered(SECOND, SetInterest, f"{tour.batch(CALLIGRAPHY)}:1") > 0


def _reminded(tour: Tour) -> bool:
    return tour.shown(SECOND, *REMINDER)


def _offered(tour: Tour) -> bool:
    gave_back = tour.answered(FIRST, Withdraw, f"{tour.batch(WORKSHOP)}:1") > 0
    return gave_back and tour.shown(SECOND, AcceptOffer, title=WORKSHOP)


def _accepted(tour: Tour) -> bool:
    accepted = tour.answered(SECOND, AcceptOffer)
    asked = tour.answered(SECOND, AskWhy, tour.batch(WORKSHOP))
    return tour.has_done("withdraw") and 0 < accepted <= asked


# -- the steps ---------------------------------------------------------------------------------

STEPS = (
    Step(
        "link",
        FIRST,
        False,
        None,
        _linked,
        {
            "zh_Hans": Words(
                "凭邀请码绑定",
                "请成为{first}，在她与青蓝助手的私聊中点“开始”，再发送她姓名后面的8位邀请码（"
                "{code}）。绑定以后，助手才知道她是哪位老师；邀请码只能用一次。",
            ),
            "zh_Hant": Words(
                "憑邀請碼綁定",
                "請成為{first}，在她與青藍助手的私聊中點「開始」，再發送她姓名後面的8位邀請碼（"
                "{code}）。綁定以後，助手才知道她是哪位老師；邀請碼只能用一次。",
            ),
            "en": Words(
                "Link with a code",
                "Be {first} (Lin Ruoxi), press Start in her private chat with the bot, and send "
                "the 8-character link code that stands behind her name ({code}). From then on the "
                "bot knows which teacher she is; the code works once.",
            ),
        },
    ),
    Step(
        "register",
        FIRST,
        True,
        None,
        _registered,
        {
            "zh_Hans": Words(
                "在群里一键报名",
                "请打开“{group}”，在《{workshop}》的卡片上点“{register}”。它只剩一个名额，由"
                "{first}报上。卡片每隔几秒来一张，还没有出现时请稍候。",
            ),
            "zh_Hant": Words(
                "在群裡一鍵報名",
                "請打開「{group}」，在《{workshop}》的卡片上點「{register}」。它只剩一個名額，由"
                "{first}報上。卡片每隔幾秒來一張，還沒有出現時請稍候。",
            ),
            "en": Words(
                "Register from a group",
                "Open {group} and tap {register} (register) on the card of {workshop} (homework "
                "design). It has one seat left, and {first} takes it. A card comes every few "
                "seconds; if it is not there yet, please wait a moment.",
            ),
        },
    ),
    Step(
        "mine",
        FIRST,
        False,
        None,
        _saw_it,
        {
            "zh_Hans": Words(
                "结果只告诉本人",
                "群里没有人看到{first}报了名，卡片上只有人数。请回到她的私聊，点“{menu}”，再点“"
                "{mine}”：这门培训已在其中。",
            ),
            "zh_Hant": Words(
                "結果只告訴本人",
                "群裡沒有人看到{first}報了名，卡片上只有人數。請回到她的私聊，點「{menu}」，再點「"
                "{mine}」：這門培訓已在其中。",
            ),
            "en": Words(
                "Answered to her alone",
                "Nobody in the group saw that {first} registered; the card shows numbers only. Go "
                "back to her private chat, tap {menu} (menu), then {mine} (my registrations): the "
                "workshop is there.",
            ),
        },
    ),
    Step(
        "hours",
        FIRST,
        False,
        None,
        _saw_hours,
        {
            "zh_Hans": Words(
                "查看学时",
                "请回到主菜单（点“{back}”，或随时发送 /menu），再点“{hours}”。已得、计入、待登记和"
                "还缺的学时分开列出，每一项都能看到依据。",
            ),
            "zh_Hant": Words(
                "查看學時",
                "請回到主菜單（點「{back}」，或隨時發送 /menu），再點「{hours}」。已得、計入、待登"
                "記和還缺的學時分開列出，每一項都能看到依據。",
            ),
            "en": Words(
                "See the hours",
                "Go back to the menu ({back}, or send /menu at any time) and tap {hours} (my "
                "hours). What is earned, counted, pending and still missing is told apart, and "
                "each line can be traced.",
            ),
        },
    ),
    Step(
        "due",
        FIRST,
        False,
        None,
        _saw_due,
        {
            "zh_Hans": Words(
                "查看待办事项",
                "请点“{menu}”，再点“{due}”。最近的排在最前，写明星期和钟点，也可以加入日历。",
            ),
            "zh_Hant": Words(
                "查看待辦事項",
                "請點「{menu}」，再點「{due}」。最近的排在最前，寫明星期和鐘點，也可以加入日曆。",
            ),
            "en": Words(
                "See what is due",
                "Tap {menu} (menu), then {due} (what is due). The soonest comes first, with "
                "weekday and hour, and everything can be put into a calendar.",
            ),
        },
    ),
    Step(
        "wait",
        SECOND,
        True,
        None,
        _waits,
        {
            "zh_Hans": Words(
                "名额已满，加入候补",
                "请成为{second}，在同一个群里点同一张卡片上的“{wait}”（人数一分钟内更新；仍显示“"
                "{register}”时点它也一样）。他还没有绑定，助手会带他到私聊：请发送他的邀请码（"
                "{code}），再点“{wait}”。",
            ),
            "zh_Hant": Words(
                "名額已滿，加入候補",
                "請成為{second}，在同一個群裡點同一張卡片上的「{wait}」（人數一分鐘內更新；仍顯示"
                "「{register}」時點它也一樣）。他還沒有綁定，助手會帶他到私聊：請發送他的邀請碼（"
                "{code}），再點「{wait}」。",
            ),
            "en": Words(
                "Full: join the waiting list",
                "Be {second} (Zhou Mingyuan) and tap {wait} (join the waiting list) on the same "
                "card in the same group; the card is updated within a minute, and {register} does "
                "the same until then. He is not linked yet, so the bot leads him to his private "
                "chat: send his link code ({code}), then tap {wait} there.",
            ),
        },
    ),
    Step(
        "ask",
        SECOND,
        False,
        None,
        _asked,
        {
            "zh_Hans": Words(
                "请助手提醒",
                "请在{second}的私聊中点“{menu}”和“{fitting}”，打开《{calligraphy}》，点“{remind}”"
                "。他现在不报名，只想在截止前记起这件事。",
            ),
            "zh_Hant": Words(
                "請助手提醒",
                "請在{second}的私聊中點「{menu}」和「{fitting}」，打開《{calligraphy}》，點「"
                "{remind}」。他現在不報名，只想在截止前記起這件事。",
            ),
            "en": Words(
                "Ask to be reminded",
                "In {second}'s private chat tap {menu} (menu) and {fitting} (training for me), "
                "open {calligraphy} (calligraphy), and tap {remind} (remind me). He does not "
                "register now; he only wants to think of it before registration closes.",
            ),
        },
    ),
    Step(
        "remind",
        SECOND,
        False,
        "next",
        _reminded,
        {
            "zh_Hans": Words(
                "截止前一天收到提醒",
                "请按“到下一事件”，大约三次，直到{second}在报名截止前一天的16:40收到提醒。提醒在工"
                "作时间内送达，一天的事项合成一条。",
            ),
            "zh_Hant": Words(
                "截止前一天收到提醒",
                "請按「到下一事件」，大約三次，直到{second}在報名截止前一天的16:40收到提醒。提醒在"
                "工作時間內送達，一天的事項合成一則。",
            ),
            "en": Words(
                "Be reminded the day before",
                "Press “To the next event” about three times, until {second} is reminded at 16:40 "
                "on the day before registration closes. Reminders come in working hours, all of a "
                "day's matters in one message.",
            ),
        },
    ),
    Step(
        "withdraw",
        FIRST,
        False,
        None,
        _offered,
        {
            "zh_Hans": Words(
                "撤回报名，空出名额",
                "请成为{first}，回到主菜单（点“{back}”），点“{mine}”，打开《{workshop}》，点“"
                "{withdraw}”，再点“{sure}”。空出的名额随即为候补第1位的{second}保留。",
            ),
            "zh_Hant": Words(
                "撤回報名，空出名額",
                "請成為{first}，回到主菜單（點「{back}」），點「{mine}」，打開《{workshop}》，點「"
                "{withdraw}」，再點「{sure}」。空出的名額隨即為候補第1位的{second}保留。",
            ),
            "en": Words(
                "Withdraw, and free the seat",
                "Be {first}, go back to the menu ({back}), tap {mine} (my registrations), open "
                "{workshop}, tap {withdraw} (withdraw), then {sure} (yes). The freed seat is held "
                "at once for {second}, who is first on the waiting list.",
            ),
        },
    ),
    Step(
        "accept",
        SECOND,
        False,
        None,
        _accepted,
        {
            "zh_Hans": Words(
                "接受名额，并看看为什么",
                "请成为{second}，在“空出一个名额”的消息上点“{accept}”，再点“{why}”。每一个决定都留"
                "有记录，本人随时可以查看。",
            ),
            "zh_Hant": Words(
                "接受名額，並看看為什麼",
                "請成為{second}，在「空出一個名額」的訊息上點「{accept}」，再點「{why}」。每一個決"
                "定都留有記錄，本人隨時可以查看。",
            ),
            "en": Words(
                "Take the seat, and read why",
                "Be {second}, tap {accept} (accept) on the message that offers the seat, then "
                "{why} (how it was decided). Every decision leaves a line that the person "
                "concerned can read at any time.",
            ),
        },
    ),
)
