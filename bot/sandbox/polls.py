"""Polls: sent by the bot, voted in by people, closed by hand or by the clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.sandbox.calls import Call
from bot.sandbox.chats import Chat, Poll
from bot.sandbox.entities import units
from bot.sandbox.methods import chat_of, chat_to_write, inline_markup, message_of, method, send
from bot.sandbox.refusals import ImpossibleAct, Json, bad
from bot.sandbox.world import World

LONGEST_QUESTION, LONGEST_OPTION, MOST_OPTIONS = 300, 100, 12
LONGEST_OPEN = 2_628_000  # seconds


@method("sendPoll")
def send_poll(world: World, call: Call) -> Json:
    chat = chat_to_write(world, call)
    question = _text(call.text("question"), LONGEST_QUESTION, "poll question")
    options = _options(call)
    is_quiz = call.text("type") == "quiz"
    settings: Json = {
        "question": question,
        "is_anonymous": call.flag("is_anonymous", default=True),
        "type": "quiz" if is_quiz else "regular",
        "allows_multiple_answers": call.flag("allows_multiple_answers"),
        "allows_revoting": call.flag("allows_revoting", default=True),
        "members_only": False,
    }
    if is_quiz:
        settings |= _right_answer(call, len(options))
    opened: Json = {
        name: call.number(name) for name in ("open_period", "close_date") if name in call.values
    }
    closes_at = opened.get("close_date")
    if "open_period" in opened:
        if not 5 <= opened["open_period"] <= LONGEST_OPEN:
            raise bad("can't use the poll open period")
        closes_at = world.now() + opened["open_period"]
    settings |= opened
    poll = Poll(
        str(5_300_000_000_000_000_001 + len(world.polls)),
        chat.id,
        0,
        settings,
        options,
        closes_at=closes_at,
        is_closed=call.flag("is_closed"),
    )
    # Known before it is posted, so that whoever hears of the message finds it.
    world.polls[poll.id] = poll
    try:
        body = send(world, call, chat, {"poll": poll.as_json()})
    except Exception:
        del world.polls[poll.id]
        raise
    poll.message_id = body["message_id"]
    return body


def _options(call: Call) -> list[str]:
    given = call.object("options")
    if not isinstance(given, list):
        raise bad("can't parse options JSON object")
    texts = [str(one.get("text", "") if isinstance(one, dict) else one) for one in given]
    options = [_text(text, LONGEST_OPTION, "poll options") for text in texts]
    if len(options) < 2:
        raise bad("poll must have at least 2 option")
    if len(options) > MOST_OPTIONS:
        raise bad(f"poll can't have more than {MOST_OPTIONS} options")
    return options


def _text(text: str, longest: int, what: str) -> str:
    text = text.strip()
    if not text:
        raise bad(f"{what} must be non-empty")
    if units(text) > longest:
        raise bad(f"{what} length must not exceed {longest}")
    return text


def _right_answer(call: Call, options: int) -> Json:
    several = call.object("correct_option_ids")
    right = several if isinstance(several, list) else [call.number("correct_option_id", -1)]
    if not right or any(not isinstance(one, int) or not 0 <= one < options for one in right):
        raise bad("wrong correct option ID specified")
    answer: Json = {"correct_option_ids": right}
    if explanation := call.text("explanation"):
        answer["explanation"] = explanation
    return answer


@method("stopPoll")
def stop_poll(world: World, call: Call) -> Json:
    close_due(world)
    chat = chat_of(world, call)
    message = message_of(chat, call, "message with poll to stop not found")
    poll = _poll_in(world, message.body)
    if poll is None or message.sender_id != world.bot_id:
        raise bad("message with poll to stop not found")
    if poll.is_closed:
        raise bad("poll has already been closed")
    poll.is_closed = True
    world.rewrite(message, edited=False, reply_markup=inline_markup(chat, call))
    _show(world, poll)
    return poll.as_json()


def _poll_in(world: World, body: Json) -> Poll | None:
    shown: Any = body.get("poll")
    return world.polls.get(shown["id"]) if shown else None


def vote(
    world: World, person_id: int, chat_id: int, message_id: int, options: Sequence[int]
) -> None:
    """A person votes, or takes the vote back with no options at all."""
    close_due(world)
    _, chat = world.writable(person_id, chat_id)
    message = world.visible(person_id, chat, message_id)
    poll = _poll_in(world, message.body)
    if poll is None:
        raise ImpossibleAct(f"message {message_id} is no poll")
    if poll.is_closed:
        raise ImpossibleAct("the poll is closed")
    chosen = sorted(set(options))
    if any(not 0 <= one < len(poll.options) for one in chosen):
        raise ImpossibleAct("the poll has no such option")
    if len(chosen) > 1 and not poll.settings["allows_multiple_answers"]:
        raise ImpossibleAct("the poll allows one answer")
    before = poll.votes.get(person_id, [])
    if before and (poll.settings["type"] == "quiz" or not poll.settings["allows_revoting"]):
        raise ImpossibleAct("this answer cannot be taken back")
    if chosen == before:
        return
    if chosen:
        poll.votes[person_id] = chosen
    else:
        poll.votes.pop(person_id, None)
    _show(world, poll)
    if not poll.settings["is_anonymous"]:
        shown = poll.as_json()["options"]
        world.updates.add(
            "poll_answer",
            {
                "poll_id": poll.id,
                "user": world.people[person_id].user,
                "option_ids": chosen,
                "option_persistent_ids": [shown[one]["persistent_id"] for one in chosen],
            },
        )


def close_due(world: World) -> None:
    """Close the polls whose time is over."""
    for poll in world.polls.values():
        if not poll.is_closed and poll.closes_at is not None and poll.closes_at <= world.now():
            poll.is_closed = True
            _show(world, poll)


def _show(world: World, poll: Poll) -> None:
    """Put the present state into the message, and tell the bot, whose poll it is."""
    shown = poll.as_json()
    chat: Chat | None = world.chats.get(poll.chat_id)
    message = chat.messages.get(poll.message_id) if chat else None
    if message is not None:
        world.rewrite(message, edited=False, poll=shown)
    world.updates.add("poll", shown)
