"""The commands that clients offer, per kind of chat and language, and the bot's own words."""

from __future__ import annotations

from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    MenuButtonCommands,
)

from locales import catalog

# Telegram knows a language by two letters; traditional script cannot be told apart there, so
# people who read it see simplified until they open the menu card, which is in their language.
LANGUAGES = {"zh": "zh_Hans", "en": "en"}


def private_commands(language: str) -> list[BotCommand]:
    """What one can ask in private."""
    _ = catalog(language).gettext
    return [
        BotCommand("menu", _("Menu")),
        BotCommand("programmes", _("Training that fits me")),
        BotCommand("mine", _("My registrations")),
        BotCommand("hours", _("My training hours")),
        BotCommand("due", _("What I still owe")),
        BotCommand("notices", _("Notices to me")),
        BotCommand("competitions", _("Competitions")),
        BotCommand("checkin", _("Check in to a meeting")),
        BotCommand("settings", _("Language, quiet hours, brief")),
        BotCommand("privacy", _("What is kept about me")),
        BotCommand("mydata", _("All data about me, as a file")),
        BotCommand("unlink", _("Unlink this account")),
        BotCommand("help", _("Help")),
    ]


def group_commands(language: str) -> list[BotCommand]:
    """What one can ask in a group; the answers come in private."""
    _ = catalog(language).gettext
    return [
        BotCommand("programmes", _("Training that fits me (answered in private)")),
        BotCommand("hours", _("My training hours (answered in private)")),
        BotCommand("due", _("What I still owe (answered in private)")),
        BotCommand("help", _("Help (answered in private)")),
    ]


def leading_commands(language: str) -> list[BotCommand]:
    """What an administrator of a group is offered there, beside the rest."""
    _ = catalog(language).gettext
    return [
        BotCommand("bind", _("Connect this group or topic")),
        *group_commands(language),
    ]


async def set_menus(bot: Bot, default: str) -> None:
    """Tell Telegram the commands, descriptions and the menu button; done at every start.

    People whose language we do not speak see ``default``, the office's own.
    """
    for code, language in [(None, default), *LANGUAGES.items()]:
        _ = catalog(language).gettext
        private = private_commands(language)
        await bot.set_my_commands(
            private, scope=BotCommandScopeAllPrivateChats(), language_code=code
        )
        await bot.set_my_commands(
            group_commands(language), scope=BotCommandScopeAllGroupChats(), language_code=code
        )
        await bot.set_my_commands(
            leading_commands(language),
            scope=BotCommandScopeAllChatAdministrators(),
            language_code=code,
        )
        await bot.set_my_description(
            _(
                "Training for teachers: what fits you, registering, your hours, and a reminder "
                "before a deadline. Link once with the code from your school."
            ),
            language_code=code,
        )
        await bot.set_my_short_description(
            _("Teacher training: registration, hours, deadlines."), language_code=code
        )
    await bot.set_chat_menu_button(menu_button=MenuButtonCommands())
