"""Settings: the one place that reads the environment."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from locales import LANGUAGES

TELEGRAM = "https://api.telegram.org"
FREE_RATE = 30.0  # unprompted messages a second that Telegram takes for nothing


class WrongSettings(Exception):
    """A setting cannot be used; the text is one readable line for each."""


class Settings(BaseSettings):
    """What an office sets, each from ``QINGLAN_`` and the name in capitals."""

    model_config = SettingsConfigDict(env_prefix="QINGLAN_", env_ignore_empty=True)

    token: SecretStr | None = Field(default=None, description="from BotFather; unset: the sandbox")
    database: str = Field(default="", description="SQLite file or postgresql:// address")
    data: Path = Field(
        default=Path("~/.local/share/qinglan"), description="folder of the embedded database"
    )
    bot_api: str = Field(default=TELEGRAM, description="base address of the Bot API server")
    webhook: str = Field(default="", description="public https address; unset: long polling")
    webhook_secret: SecretStr | None = Field(default=None, description="secret of the webhook")
    webhook_port: int = Field(default=8443, ge=1, le=65535, description="local port of the webhook")
    timezone: str = Field(default="Asia/Shanghai", description="the office's time zone")
    language: str = Field(default="zh_Hans", description="for people whose language is unknown")
    paid_broadcast: bool = Field(default=False, description="pay Telegram Stars for speed")
    rate: float = Field(default=28.0, gt=0, le=1000, description="unprompted messages a second")
    mail: SecretStr | None = Field(default=None, description="outgoing mailbox, mailtos://…")
    sandbox_port: int = Field(default=8046, ge=0, le=65535, description="port of the chat page")

    @field_validator("token", "webhook_secret", "mail")
    @classmethod
    def _secret(cls, value: SecretStr | None) -> SecretStr | None:
        return value if value is not None and value.get_secret_value().strip() else None

    @field_validator("token")
    @classmethod
    def _token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            number, _, rest = value.get_secret_value().partition(":")
            if not number.isdigit() or len(rest) < 3:
                raise ValueError("is not a bot token such as 123456:ABC…")
        return value

    @field_validator("mail")
    @classmethod
    def _mail(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(
            ("mailto://", "mailtos://")
        ):
            raise ValueError("must be mailtos://name:password@server, as apprise reads it")
        return value

    @field_validator("bot_api", "webhook")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value.rstrip("/")

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("is not a time zone such as Asia/Shanghai") from None
        return value

    @field_validator("rate")
    @classmethod
    def _rate(cls, value: float, info: ValidationInfo) -> float:
        if value > FREE_RATE and not info.data.get("paid_broadcast"):
            raise ValueError(
                f"must be at most {FREE_RATE:g}, which is what Telegram takes for nothing; "
                "more needs QINGLAN_PAID_BROADCAST=true, and each message above costs Stars"
            )
        return value

    @field_validator("language")
    @classmethod
    def _language(cls, value: str) -> str:
        if value not in LANGUAGES:
            raise ValueError(f"must be one of {', '.join(LANGUAGES)}")
        return value

    @property
    def sandboxed(self) -> bool:
        """Whether there is no token, so that the sandbox stands in for Telegram."""
        return self.token is None

    @property
    def folder(self) -> Path:
        """Where the embedded database and the sandbox's chats are kept."""
        return self.data.expanduser()

    @property
    def database_url(self) -> str:
        """The database's address; by default a file, another one for the sandbox."""
        if self.database:
            return self.database
        name = "sandbox.sqlite3" if self.sandboxed else "qinglan.sqlite3"
        return f"sqlite:///{self.folder / name}"


def read_settings() -> Settings:
    """Read the environment; raise ``WrongSettings`` with a line for each mistake."""
    try:
        return Settings()
    except ValidationError as error:
        lines = []
        for fault in error.errors(include_input=False, include_url=False):
            name = "_".join(str(part) for part in fault["loc"]).upper()
            text = fault["msg"].removeprefix("Value error, ")
            lines.append(f"QINGLAN_{name} {text[0].lower()}{text[1:]}")
        raise WrongSettings("\n".join(lines)) from None
