"""What the sandbox's own HTTP interface can do, as a page for authors of tests and of bots."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Entry:
    """One route: how it is called, with what, and what comes of it."""

    verb: str
    path: str
    given: str
    meaning: str


LOOKS = (
    Entry("GET", "people", "q, limit", "People by name, note or id; the sample cast first."),
    Entry("GET", "chats", "person", "What stands around the messages: chats, topics, unread."),
    Entry("GET", "seen", "person, chat, topic, last", "What this person sees of a chat or topic."),
    Entry("GET", "answers", "query, wait", "Taps and what the bot answered; waits for one."),
    Entry("GET", "inline", "query, wait", "What the bot offers for an inline query."),
    Entry("GET", "log", "last", "The bot's calls and their answers, the newest last."),
    Entry("GET", "stats", "", "Calls counted by method and refusal, sends second by second."),
    Entry("GET", "feed", "last", "What the office's scheduler has done."),
    Entry("GET", "tour", "language", "The ten steps of the guided tour, and which are done."),
    Entry("GET", "clock", "", "The sandbox's time."),
    Entry("GET", "faults", "", "The faults in force."),
    Entry("GET", "settings", "", "The switches as they stand."),
    Entry("GET", "file/{id}", "", "A file that somebody has sent."),
    Entry("GET", "events", "person, calls", "Server-sent events: what has changed for a person."),
    Entry("GET", "", "", "This page."),
)
ACTS = (
    Entry("POST", "people", "name, id, username, language_code, phone, note", "Make a person."),
    Entry("POST", "groups", "title, members, admins, supergroup, announce", "Make a group."),
    Entry("POST", "start", "person, payload, group", "Press Start, or follow a deep link."),
    Entry("POST", "say", "person, chat, text, reply_to, topic", "Write."),
    Entry("POST", "edit", "person, chat, message, text", "Change a text of one's own."),
    Entry("POST", "tap", "person, chat, message, data, forged", "Tap an inline button."),
    Entry("POST", "contact", "person, chat, contact_of, topic", "Share a phone number."),
    Entry("POST", "location", "person, chat, latitude, longitude, topic", "Share a place."),
    Entry("POST", "document", "person, chat, name, data (base64), photo, caption", "Send a file."),
    Entry("POST", "vote", "person, chat, message, options", "Vote; no options take it back."),
    Entry(
        "POST", "topic", "person, chat, act, topic, name", "create, close, reopen, rename, delete."
    ),
    Entry("POST", "inline", "person, chat, query", "Type the bot's name and something behind it."),
    Entry("POST", "choose", "person, chat, query, result", "Send one of the offered results."),
    Entry("POST", "block", "person, blocked", "Block the bot, or let it write again."),
    Entry(
        "POST",
        "member",
        "person, chat, act",
        "join, leave, promote, demote, add_bot, promote_bot, silence_bot, kick_bot, forum, "
        "migrate, deactivate.",
    ),
    Entry("POST", "read", "person, chat, topic", "Look at a chat or topic: it is unread no more."),
    Entry("POST", "clock", "advance_seconds or next_event", "Move the time forward."),
    Entry("POST", "inject", "an update", "Give the bot any update: broken, unknown or repeated."),
    Entry("POST", "updates", "hold, repeat", "Hold updates back, or hand the newest over again."),
    Entry(
        "POST",
        "faults",
        "fault (or status, drop_before, drop_after, delay), method, chat_id, share, times; clear",
        "Let calls fail: flood, error, bad_gateway, timeout, reset_before, reset_after, blocked, "
        "deactivated, kicked, migrated, topic_closed.",
    ),
    Entry(
        "POST",
        "settings",
        "flood, paid, privacy_mode, ephemeral_supported, inline, inline_feedback, latency_ms",
        "How strict the server is, how old, and how slow.",
    ),
)


def page() -> str:
    """The page as HTML."""
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<title>Qinglan sandbox: HTTP interface</title>"
        "<link rel='stylesheet' href='/page/guide.css'></head><body>"
        "<h1>The sandbox's HTTP interface</h1>"
        "<p>The Bot API is at <code>/bot&lt;token&gt;/&lt;method&gt;</code>, as on Telegram. "
        "What follows acts as the people. Everything is JSON; an act's body may be a list of "
        "bodies, and its answer is a list then. What a person cannot do in a client is answered "
        "with 409 and <code>error</code>.</p>"
        f"<h2>Look</h2>{_table(LOOKS)}<h2>Act</h2>{_table(ACTS)}"
        "<p><a href='/'>To the chat page</a></p></body></html>"
    )


def _table(entries: tuple[Entry, ...]) -> str:
    rows = "".join(
        f"<tr><td><code>{one.verb} /sandbox/{escape(one.path)}</code></td>"
        f"<td>{escape(one.given)}</td><td>{escape(one.meaning)}</td></tr>"
        for one in entries
    )
    return f"<table><tr><th>Route</th><th>With</th><th>What it does</th></tr>{rows}</table>"
