"""Keyboards beneath messages and under the text box, checked as strictly as Telegram does."""

from __future__ import annotations

import re
from typing import Any

from bot.sandbox.refusals import Json, bad

ACTIONS = (
    "callback_data",
    "url",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
    "disabled",
)
PRIVATE_REQUESTS = {
    "request_contact": "phone number",
    "request_location": "location",
    "request_poll": "poll",
}
_URL = re.compile(r"(?:https?://[^\s/?#]+|tg://[^\s]+|[\w-]+(?:\.[\w-]+)+)(?:[/?#]\S*)?$")


def checked(markup: Any, *, private: bool) -> Json | None:
    """The markup as it is kept, or None where there is none."""
    if markup is None or markup == "":
        return None
    if not isinstance(markup, dict):
        raise bad("object expected as reply markup")
    if "inline_keyboard" in markup:
        rows = _rows(markup["inline_keyboard"])
        for row in rows:
            for button in row:
                _check_inline(button, private=private)
        return {"inline_keyboard": rows} if rows else None
    if "keyboard" in markup:
        keys = _rows(markup["keyboard"])
        for row in keys:
            for key in row:
                _check_key(key, private=private)
        return {**markup, "keyboard": keys}
    if markup.get("remove_keyboard") or markup.get("force_reply"):
        return markup
    if not markup:
        return None
    raise bad("object expected as reply markup")


def _rows(given: Any) -> list[list[Json]]:
    if not isinstance(given, list):
        raise bad("field of the keyboard must be of type Array")
    rows: list[list[Json]] = []
    total = 0
    for row in given:
        if not isinstance(row, list):
            raise bad("field of the keyboard must be an Array of Arrays")
        # A plain string is short for a key with this text.
        buttons = [{"text": one} if isinstance(one, str) else one for one in row]
        if any(not isinstance(one, dict) for one in buttons):
            raise bad("KeyboardButton must be an Object")
        total += len(buttons)
        if buttons:
            rows.append(buttons)
    if total > 300 or any(len(row) > 12 for row in rows):
        raise bad("reply markup is too long")
    return rows


def _check_inline(button: Json, *, private: bool) -> None:
    if not isinstance(button.get("text"), str) or not button["text"].strip():
        raise bad("inline keyboard button text must be non-empty")
    actions = [action for action in ACTIONS if button.get(action) is not None]
    if len(actions) != 1:
        raise bad("inline keyboard button must have exactly one of the optional fields")
    match actions[0]:
        case "callback_data":
            data = button["callback_data"]
            if not isinstance(data, str) or not 1 <= len(data.encode()) <= 64:
                raise bad("BUTTON_DATA_INVALID")
        case "url":
            if not isinstance(button["url"], str) or not _URL.match(button["url"]):
                raise bad(
                    f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL"
                )
        case "web_app":
            if not private:
                raise bad("BUTTON_TYPE_INVALID")
        case "copy_text":
            text = button["copy_text"].get("text", "")
            if not 1 <= len(text) <= 256:
                raise bad("BUTTON_COPY_TEXT_INVALID")


def _check_key(key: Json, *, private: bool) -> None:
    if not isinstance(key.get("text"), str) or not key["text"]:
        raise bad("keyboard button text must be non-empty")
    if private:
        return
    for request, name in PRIVATE_REQUESTS.items():
        if key.get(request):
            raise bad(f"{name} can be requested in private chats only")
    if key.get("web_app"):
        raise bad("Web App buttons can be used in private chats only")
