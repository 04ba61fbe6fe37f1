"""Files go both ways and come back byte for byte."""

from __future__ import annotations

import pytest
from telegram import Bot, InputMediaPhoto, InputMediaVideo, Message
from telegram.error import BadRequest

from bot.sandbox.chats import Person
from bot.sandbox.world import World
from tests.sandbox.conftest import picture


async def test_a_document_of_the_bot_can_be_sent_again_by_its_identifier(
    ptb: Bot, world: World, wang: Person, li: Person
) -> None:
    world.press_start(li.id)
    sheet = bytes(range(256)) * 50
    sent = await ptb.send_document(wang.id, sheet, filename="进度表.xlsx", caption="请核对")
    assert sent.document is not None
    assert (sent.document.file_name, sent.document.file_size) == ("进度表.xlsx", len(sheet))
    assert sent.caption == "请核对"

    again = await ptb.send_document(li.id, sent.document.file_id)
    assert again.document is not None
    file = await again.document.get_file()
    assert bytes(await file.download_as_bytearray()) == sheet
    await sent.edit_caption("已核对")
    assert world.seen_by(wang.id, wang.id)[-1].text == "已核对"


async def test_a_photo_has_its_size(ptb: Bot, world: World, wang: Person) -> None:
    sent = await ptb.send_photo(wang.id, picture(300, 120), caption="海报")
    assert (sent.photo[-1].width, sent.photo[-1].height) == (300, 120)
    assert world.seen_by(wang.id, wang.id)[-1].photo == sent.photo[-1].file_id
    with pytest.raises(BadRequest, match=r"^Photo_invalid_dimensions$"):
        await ptb.send_photo(wang.id, picture(2000, 10))
    with pytest.raises(BadRequest, match=r"^Image_process_failed$"):
        await ptb.send_photo(wang.id, b"no picture")


async def test_a_picture_is_replaced_in_place(ptb: Bot, world: World, wang: Person) -> None:
    sent = await ptb.send_photo(wang.id, picture(300, 120), caption="旧")
    media = InputMediaPhoto(picture(200, 200), caption="<b>新</b>", parse_mode="HTML")
    changed = await sent.edit_media(media)
    assert isinstance(changed, Message)
    assert (changed.message_id, changed.photo[-1].width) == (sent.message_id, 200)
    seen = world.seen_by(wang.id, wang.id)[-1]
    assert (seen.text, seen.photo) == ("新", changed.photo[-1].file_id)
    assert seen.edited
    text = await ptb.send_message(wang.id, "没有图片")
    with pytest.raises(BadRequest, match="no media in the message"):
        await text.edit_media(InputMediaPhoto(picture()))
    with pytest.raises(BadRequest, match="a photo or a document is expected"):
        await sent.edit_media(InputMediaVideo(b"film"))


async def test_what_a_person_sends_can_be_downloaded(ptb: Bot, world: World, wang: Person) -> None:
    world.send_document(wang.id, wang.id, b"a;b\n1;2\n", "名单.csv", caption="名单")
    world.send_photo(wang.id, wang.id, picture())

    document, photo = [update.message for update in await ptb.get_updates()]
    assert document is not None
    assert document.document is not None
    file = await document.document.get_file()
    assert bytes(await file.download_as_bytearray()) == b"a;b\n1;2\n"
    assert photo is not None
    file = await photo.photo[-1].get_file()
    assert bytes(await file.download_as_bytearray()) == picture()


async def test_wrong_identifiers_are_refused(ptb: Bot, wang: Person) -> None:
    sent = await ptb.send_photo(wang.id, picture())
    with pytest.raises(BadRequest, match=r"(?i)^can't use file of type photo as document$"):
        await ptb.send_document(wang.id, sent.photo[-1].file_id)
    with pytest.raises(BadRequest, match=r"^Wrong file identifier/http url specified"):
        await ptb.send_document(wang.id, "nonsense")
    with pytest.raises(BadRequest, match=r"(?i)^failed to get http url content"):
        await ptb.send_document(wang.id, "https://example.org/a.pdf")
    with pytest.raises(BadRequest, match=r"^Invalid file_id$"):
        await ptb.get_file("nonsense")
