"""The command lists that the bot has set, and which of them a person sees."""

from __future__ import annotations

import re
from typing import Any

from bot.sandbox.refusals import Json, bad

_COMMAND = re.compile(r"[a-z0-9_]{1,32}$")
_LANGUAGE = re.compile(r"(?:[a-z]{2})?$")


def language_checked(language: str) -> str:
    """Telegram takes two letters or nothing; ``zh-hans`` is not a language here."""
    if not _LANGUAGE.match(language):
        raise bad("invalid language code specified")
    return language


def scope_key(scope: Any) -> str:
    """A scope as one line, so that it can be a key: ``chat_member -1001 42``."""
    if not scope:
        return "default"
    kind = str(scope.get("type", ""))
    match kind:
        case "default" | "all_private_chats" | "all_group_chats" | "all_chat_administrators":
            return kind
        case "chat" | "chat_administrators" if "chat_id" in scope:
            return f"{kind} {scope['chat_id']}"
        case "chat_member" if "chat_id" in scope and "user_id" in scope:
            return f"{kind} {scope['chat_id']} {scope['user_id']}"
    raise bad("can't parse BotCommandScope: unsupported type specified")


class CommandLists:
    """One list for each scope and language."""

    def __init__(self) -> None:
        self._lists: dict[str, list[Json]] = {}

    def set(self, scope: Any, language: str, commands: Any) -> None:
        if not isinstance(commands, list):
            raise bad("expected an Array of BotCommand")
        if len(commands) > 100:
            raise bad("BOT_COMMANDS_TOO_MUCH")
        for one in commands:
            if not isinstance(one, dict) or not _COMMAND.match(str(one.get("command", ""))):
                raise bad("BOT_COMMAND_INVALID")
            if not 1 <= len(str(one.get("description", ""))) <= 256:
                raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
        key = f"{scope_key(scope)}|{language_checked(language)}"
        if commands:
            self._lists[key] = commands
        else:
            self._lists.pop(key, None)

    def get(self, scope: Any, language: str) -> list[Json]:
        return self._lists.get(f"{scope_key(scope)}|{language_checked(language)}", [])

    def seen_by(self, person_id: int, chat_id: int, language: str, *, is_admin: bool) -> list[Json]:
        """The list a client shows: the nearest scope wins, and in it the reader's language."""
        if chat_id > 0:
            scopes = [f"chat {chat_id}", "all_private_chats", "default"]
        else:
            scopes = [f"chat_member {chat_id} {person_id}"]
            scopes += [f"chat_administrators {chat_id}"] if is_admin else []
            scopes += [f"chat {chat_id}"]
            scopes += ["all_chat_administrators"] if is_admin else []
            scopes += ["all_group_chats", "default"]
        short = language.split("-")[0]
        for scope in scopes:
            for key in (f"{scope}|{short}", f"{scope}|"):
                if found := self._lists.get(key):
                    return found
        return []

    def dump(self) -> dict[str, list[Json]]:
        return dict(self._lists)

    def load(self, dumped: dict[str, list[Json]]) -> None:
        self._lists.update(dumped)
