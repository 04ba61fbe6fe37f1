"""Text and its entities: HTML as strictly as Telegram reads it, offsets in UTF-16 units."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.sandbox.refusals import Json, bad

PLAIN_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "pre": "pre",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
}
OTHER_TAGS = {"a", "blockquote", "tg-time", "tg-emoji"}
NAMED_CHARACTERS = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}

_SPECIAL = re.compile("[<&]")
_CHARACTER = re.compile(r"&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-z]+));?")
_USER_LINK = re.compile(r"tg://user\?id=(\d+)$")
_LINK = re.compile(r"(?:https?|tg|mailto|tel):\S+|[^\s/]+\.[a-z]{2,}\S*", re.IGNORECASE)
_FOUND_IN_TEXT = re.compile(
    r"(?P<url>https?://[^\s<>\"，。；！？、）】》]+|(?<![\w@.])t\.me/[\w/?=&+-]+)"
    r"|(?P<email>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?<![\w/@.:])(?P<bot_command>/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?)(?![\w/])"
    r"|(?<!\w)(?P<mention>@[A-Za-z][A-Za-z0-9_]{2,31})"
    r"|(?<!\w)(?P<hashtag>#\w*[^\W\d]\w*)",
)
_MAY_HOLD_ENTITY = re.compile(r"[/@#]|t\.me")


@dataclass(slots=True)
class _Open:
    tag: str
    offset: int
    at: int
    attributes: dict[str, str]


def units(text: str) -> int:
    """The length of a text in UTF-16 units, which is what Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, offset: int, length: int) -> str:
    """The part of a text that an entity covers."""
    raw = text.encode("utf-16-le", "surrogatepass")
    return raw[offset * 2 : (offset + length) * 2].decode("utf-16-le", "replace")


def parse_html(source: str) -> tuple[str, list[Json]]:
    """Turn HTML into plain text and entities, or refuse it in Telegram's words."""
    if not _SPECIAL.search(source):
        return source, []
    return _HtmlReader(source).read()


class _HtmlReader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.plain: list[str] = []
        self.offset = 0
        self.stack: list[_Open] = []
        self.entities: list[Json] = []

    def read(self) -> tuple[str, list[Json]]:
        source = self.source
        while self.at < len(source):
            special = _SPECIAL.search(source, self.at)
            if special is None:
                self._add(source[self.at :])
                break
            self._add(source[self.at : special.start()])
            self.at = special.start()
            if source[self.at] == "&":
                character, self.at = _character(source, self.at)
                self._add(character)
            elif source.startswith("</", self.at):
                self._end_tag()
            else:
                self._start_tag()
        if self.stack:
            raise self._error(
                f'can\'t find end tag corresponding to start tag "{self.stack[-1].tag}"', None
            )
        self.entities.sort(key=lambda entity: (entity["offset"], -entity["length"]))
        return "".join(self.plain), self.entities

    def _add(self, text: str) -> None:
        if text:
            self.plain.append(text)
            self.offset += units(text)

    def _error(self, what: str, at: int | None) -> Exception:
        if at is not None:
            what += f" at byte offset {len(self.source[:at].encode('utf-8', 'surrogatepass'))}"
        # The description's first letter after the prefix is a capital one, as on Telegram.
        return bad(f"can't parse entities: {what[0].upper()}{what[1:]}")

    def _skip(self, wanted: str) -> str:
        """Read on while the character is not one of the wanted ones."""
        start = self.at
        while self.at < len(self.source) and self.source[self.at] not in wanted:
            self.at += 1
        return self.source[start : self.at]

    def _skip_spaces(self) -> None:
        while self.at < len(self.source) and self.source[self.at].isspace():
            self.at += 1

    def _peek(self) -> str:
        return self.source[self.at] if self.at < len(self.source) else ""

    def _start_tag(self) -> None:
        begin = self.at
        self.at += 1
        tag = self._skip(" \t\r\n>").lower()
        if not self._peek():
            raise self._error("unclosed start tag", begin)
        if tag not in PLAIN_TAGS and tag not in OTHER_TAGS:
            raise self._error(f'unsupported start tag "{tag}"', begin)
        attributes = self._attributes(tag, begin)
        if tag == "span" and attributes.get("class") != "tg-spoiler":
            raise self._error('tag "span" must have class "tg-spoiler"', begin)
        if tag == "tg-emoji" and not attributes.get("emoji-id", "").isdigit():
            raise self._error("invalid custom emoji identifier specified", None)
        if tag == "tg-time" and not attributes.get("unix", "").lstrip("-").isdigit():
            raise self._error("invalid date specified", None)
        self.stack.append(_Open(tag, self.offset, begin, attributes))

    def _attributes(self, tag: str, begin: int) -> dict[str, str]:
        attributes: dict[str, str] = {}
        while True:
            self._skip_spaces()
            if not self._peek():
                raise self._error("unclosed start tag", begin)
            if self._peek() == ">":
                self.at += 1
                return attributes
            name = self._skip(" \t\r\n=>").lower()
            if not name:
                raise self._error(f'empty attribute name in the tag "{tag}"', begin)
            self._skip_spaces()
            if self._peek() != "=":
                if tag == "blockquote" and name == "expandable":
                    attributes[name] = ""
                    continue
                raise self._error(
                    f'expected equal sign in declaration of an attribute of the tag "{tag}"', begin
                )
            self.at += 1
            self._skip_spaces()
            attributes[name] = self._value(begin)

    def _value(self, begin: int) -> str:
        quote = self._peek()
        if quote not in {"'", '"'}:
            value = self._skip(" \t\r\n>")
            if not value or not re.fullmatch(r"[\w.\-]+", value):
                raise self._error("unexpected end of name token", self.at)
            return value.lower()
        self.at += 1
        parts: list[str] = []
        while self._peek() != quote:
            if not self._peek():
                raise self._error("unclosed start tag", begin)
            if self._peek() == "&":
                character, self.at = _character(self.source, self.at)
                parts.append(character)
            else:
                parts.append(self._peek())
                self.at += 1
        self.at += 1
        return "".join(parts)

    def _end_tag(self) -> None:
        begin = self.at
        if not self.stack:
            raise self._error("unexpected end tag", begin)
        self.at += 2
        tag = self._skip(" \t\r\n>").lower()
        self._skip_spaces()
        if self._peek() != ">":
            raise self._error("unclosed end tag", begin)
        self.at += 1
        opened = self.stack.pop()
        if tag and tag != opened.tag:
            place = len(self.source[:begin].encode("utf-8", "surrogatepass"))
            raise self._error(
                f"unmatched end tag at byte offset {place}, "
                f'expected "</{opened.tag}>", found "</{tag}>"',
                None,
            )
        if self.offset > opened.offset:
            self._close(opened)

    def _close(self, opened: _Open) -> None:
        entity: Json = {"type": "", "offset": opened.offset, "length": self.offset - opened.offset}
        given = opened.attributes
        match opened.tag:
            case "a":
                url = given.get("href") or cut("".join(self.plain), opened.offset, entity["length"])
                if not _LINK.fullmatch(url):
                    return
                if user := _USER_LINK.match(url):
                    entity |= {"type": "text_mention", "user": {"id": int(user[1])}}
                else:
                    entity |= {"type": "text_link", "url": url}
            case "blockquote":
                expandable = "expandable" in given
                entity["type"] = "expandable_blockquote" if expandable else "blockquote"
            case "tg-time":
                entity |= {"type": "date_time", "unix_time": int(given["unix"])}
                if "format" in given:
                    entity["date_time_format"] = given["format"]
            case "tg-emoji":
                entity |= {"type": "custom_emoji", "custom_emoji_id": given["emoji-id"]}
            case "code" if self._is_language_of_block(opened):
                self.stack[-1].attributes["language"] = given["class"].removeprefix("language-")
                return
            case tag:
                entity["type"] = PLAIN_TAGS[tag]
                if tag == "pre" and given.get("language"):
                    entity["language"] = given["language"]
        self.entities.append(entity)

    def _is_language_of_block(self, opened: _Open) -> bool:
        """``<pre><code class="language-x">`` is one entity, not two."""
        return (
            opened.attributes.get("class", "").startswith("language-")
            and bool(self.stack)
            and self.stack[-1].tag == "pre"
            and self.stack[-1].offset == opened.offset
        )


def _character(source: str, at: int) -> tuple[str, int]:
    """Read ``&lt;`` and the like; an ampersand that begins nothing stands for itself."""
    found = _CHARACTER.match(source, at)
    if found is None:
        return "&", at + 1
    decimal, hexadecimal, name = found.groups()
    if name is not None:
        character = NAMED_CHARACTERS.get(name)
        return (character, found.end()) if character else ("&", at + 1)
    code = int(decimal) if decimal else int(hexadecimal, 16)
    if not 0 < code < 0x110000 or 0xD800 <= code < 0xE000:
        return "&", at + 1
    return chr(code), found.end()


def trimmed(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Take away white space at both ends, as Telegram does, and move the entities along."""
    if not text or not (text[0].isspace() or text[-1].isspace()):
        return text, entities
    shorter = text.lstrip()
    shift = units(text) - units(shorter)
    shorter = shorter.rstrip()
    length = units(shorter)
    kept = []
    for entity in entities:
        begin = max(0, entity["offset"] - shift)
        end = min(length, entity["offset"] - shift + entity["length"])
        if end > begin:
            kept.append(entity | {"offset": begin, "length": end - begin})
    return shorter, kept


def found_in(text: str, given: list[Json]) -> list[Json]:
    """Add the entities that Telegram finds by itself: commands, links, mentions, hashtags."""
    if not _MAY_HOLD_ENTITY.search(text):
        return given
    taken = [(one["offset"], one["offset"] + one["length"]) for one in given]
    found = []
    for match in _FOUND_IN_TEXT.finditer(text):
        kind = match.lastgroup
        if kind is None:
            continue
        offset = units(text[: match.start(kind)])
        length = units(match[kind])
        if not any(begin < offset + length and offset < end for begin, end in taken):
            found.append({"type": kind, "offset": offset, "length": length})
    return sorted([*given, *found], key=lambda one: (one["offset"], -one["length"]))
