"""One Bot API call: its parameters, whether they came as JSON, form fields or multipart."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from bot.sandbox.refusals import Json, bad

TRUE = frozenset({"true", "1", "yes", True})


@dataclass(slots=True)
class Upload:
    """A file that came with the call."""

    name: str
    mime: str
    data: bytes


@dataclass(slots=True)
class Call:
    """The parameters of a call. Numbers and objects may come as text: all clients differ."""

    method: str
    values: Json
    uploads: dict[str, Upload] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        value = self.values.get(name)
        return default if value is None else str(value)

    def number(self, name: str, default: int = 0) -> int:
        value = self.values.get(name)
        if value is None or value == "":
            return default
        try:
            return int(float(value)) if isinstance(value, float) else int(value)
        except (TypeError, ValueError):
            raise bad(f"can't parse {name} as a number") from None

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.values.get(name)
        if value is None or value == "":
            return default
        return (value.lower() if isinstance(value, str) else value) in TRUE

    def object(self, name: str) -> Any:
        """A structured parameter, or None when it is not given."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise bad(f"can't parse {name} JSON object") from None

    def numbers(self, name: str) -> list[int]:
        value = self.object(name)
        if not isinstance(value, list):
            raise bad(f"parameter {name} must be an Array")
        return [int(one) for one in value]

    def chat_id(self) -> int | None:
        """The chat as a number, where it is one."""
        try:
            return int(self.values["chat_id"])
        except (KeyError, TypeError, ValueError):
            return None


async def read_call(request: web.BaseRequest, method: str) -> Call:
    """Read a call in whichever of Telegram's four ways it was made."""
    values: Json = dict(request.query) if request.query_string else {}
    call = Call(method, values)
    if request.method != "POST" or not request.can_read_body:
        return call
    kind = request.content_type
    if kind == "multipart/form-data":
        await _read_multipart(request, call)
        return call
    body = await request.read()
    if kind == "application/json":
        try:
            given = json.loads(body) if body else {}
        except ValueError:
            raise bad("can't parse the request body as JSON") from None
        if not isinstance(given, dict):
            raise bad("object expected as the request body")
        values |= given
    else:
        values |= dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    return call


async def _read_multipart(request: web.BaseRequest, call: Call) -> None:
    form = await request.post()
    for name, value in form.items():
        if isinstance(value, web.FileField):
            data = value.file.read()
            call.uploads[name] = Upload(value.filename or name, value.content_type, data)
        elif isinstance(value, str):
            call.values[name] = value
        else:
            call.uploads[name] = Upload(name, "", bytes(value))
