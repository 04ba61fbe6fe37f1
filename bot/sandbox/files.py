"""Files that people and the bot have sent. The identifier is the bot's; the path downloads it."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import struct
from dataclasses import dataclass

from bot.sandbox.refusals import Json, bad

MEGABYTE = 1024 * 1024
LARGEST_PHOTO = 10 * MEGABYTE
LARGEST_UPLOAD = 50 * MEGABYTE
LARGEST_DOWNLOAD = 20 * MEGABYTE


@dataclass(slots=True)
class Stored:
    """One file; ``kind`` is ``photo``, ``video`` or ``document``."""

    id: str
    kind: str
    name: str
    mime: str
    data: bytes
    width: int = 0
    height: int = 0

    @property
    def unique_id(self) -> str:
        return "U" + self.id[4:16]

    @property
    def path(self) -> str:
        folder = f"{self.kind}s"
        suffix = "." + self.name.rsplit(".", 1)[-1] if "." in self.name else ""
        return f"{folder}/{self.id}{suffix if suffix.isascii() else ''}"

    def as_document(self) -> Json:
        return {
            "file_id": self.id,
            "file_unique_id": self.unique_id,
            "file_name": self.name,
            "mime_type": self.mime,
            "file_size": len(self.data),
        }

    def as_video(self) -> Json:
        """Telegram measures it; here it is always of the same size and a minute long."""
        return {**self.as_document(), "width": 1280, "height": 720, "duration": 60}

    def as_photo(self) -> list[Json]:
        """Telegram gives several sizes, the largest last; here there is only that one."""
        return [
            {
                "file_id": self.id,
                "file_unique_id": self.unique_id,
                "width": self.width,
                "height": self.height,
                "file_size": len(self.data),
            }
        ]


class Files:
    """All files, by identifier and by path."""

    def __init__(self) -> None:
        self._by_id: dict[str, Stored] = {}
        self._by_path: dict[str, Stored] = {}

    def keep(self, kind: str, name: str, data: bytes, mime: str = "") -> Stored:
        """Keep a file, refusing what Telegram refuses."""
        if not data:
            raise bad("file must be non-empty")
        if len(data) > LARGEST_UPLOAD:
            raise bad("file is too big")
        number = len(self._by_id) + 1
        digest = hashlib.sha256(data).hexdigest()[:20]
        prefix = {"photo": "AgAC", "video": "BAAC"}.get(kind, "BQAC")
        guessed = mime or mimetypes.guess_type(name)[0] or "application/octet-stream"
        stored = Stored(f"{prefix}{digest}{number:08d}", kind, name, guessed, data)
        if kind == "photo":
            _measure(stored)
        return self._put(stored)

    def get(self, file_id: str) -> Stored | None:
        return self._by_id.get(file_id)

    def at(self, path: str) -> Stored | None:
        return self._by_path.get(path)

    def reused(self, kind: str, file_id: str) -> Stored:
        """The file behind an identifier that the bot sends again."""
        stored = self._by_id.get(file_id)
        if stored is None:
            if "://" in file_id:
                raise bad("failed to get HTTP URL content")
            raise bad("wrong file identifier/HTTP URL specified")
        if stored.kind != kind:
            raise bad(f"can't use file of type {stored.kind.title()} as {kind.title()}")
        return stored

    def _put(self, stored: Stored) -> Stored:
        self._by_id[stored.id] = stored
        self._by_path[stored.path] = stored
        return stored

    def dump(self) -> list[Json]:
        return [
            {
                "id": one.id,
                "kind": one.kind,
                "name": one.name,
                "mime": one.mime,
                "width": one.width,
                "height": one.height,
                "data": base64.b64encode(one.data).decode(),
            }
            for one in self._by_id.values()
        ]

    def load(self, dumped: list[Json]) -> None:
        for one in dumped:
            self._put(Stored(**{**one, "data": base64.b64decode(one["data"])}))


def _measure(photo: Stored) -> None:
    size = image_size(photo.data)
    if size is None:
        raise bad("IMAGE_PROCESS_FAILED")
    width, height = size
    if len(photo.data) > LARGEST_PHOTO:
        raise bad("file is too big")
    if width + height > 10_000 or max(size) > 20 * min(size):
        raise bad("PHOTO_INVALID_DIMENSIONS")
    photo.width, photo.height = size
    if photo.data.startswith(b"\x89PNG"):
        photo.mime = "image/png"
    elif photo.data.startswith(b"\xff\xd8"):
        photo.mime = "image/jpeg"
    else:
        photo.mime = "image/gif"


def image_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, JPEG or GIF; None when it is none of them."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
    elif data[:6] in {b"GIF87a", b"GIF89a"} and len(data) >= 10:
        width, height = struct.unpack("<HH", data[6:10])
    elif data.startswith(b"\xff\xd8"):
        return _jpeg_size(data)
    else:
        return None
    return (width, height) if width and height else None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return (width, height) if width and height else None
        at += 2 + int(struct.unpack(">H", data[at + 2 : at + 4])[0])
    return None
