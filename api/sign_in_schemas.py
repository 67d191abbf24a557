"""Messages of signing in. Names here are stable: add more, rename none."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotation
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, SecretStr

from .actors import Ability, Role  # noqa: TC001 - pydantic reads the annotation
from .schemas import SCHEMA_VERSION, Message


class SignInRequest(Message):
    """What somebody shows to sign in."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "ivy", "password": "four or more words", "code": "123456"}]
        }
    )

    name: Annotated[str, Field(max_length=200, description="Name of the account.")]
    password: SecretStr = Field(max_length=1024, description="Its password.")
    code: SecretStr = Field(
        default=SecretStr(""),
        max_length=20,
        description="The code that the authenticator app shows; empty where the account has none.",
    )


class Me(Message):
    """Who is asking, and what they may ask for at all."""

    schema_version: Literal[1] = SCHEMA_VERSION
    name: str = Field(description="Unique name, as it stands in the audit.")
    full_name: str
    role: Role = Field(description="What they are to this server.")
    acts_as: str = Field(description="Their role in agreements.")
    agency: str = Field(description='Agency or district; "" where none is known.')
    sites: tuple[str, ...] | None = Field(
        description="Ids of the sites they may ask about; null for all."
    )
    abilities: tuple[Ability, ...] = Field(
        description="What the role may ask for. What is then shown, the agreement decides."
    )
    recognised_by: str = Field(description='How, e.g. "session", "token", "key".')


class Token(Message):
    """A token to send as `Authorization: Bearer …`."""

    schema_version: Literal[1] = SCHEMA_VERSION
    token: str = Field(description="The token; it is shown this once.", repr=False)
    expires_at: datetime = Field(description="Until when it holds; renew it before.")
    actor: Me


class SignedOut(Message):
    """What the request was made with holds no more."""

    schema_version: Literal[1] = SCHEMA_VERSION
    ended_at: datetime
