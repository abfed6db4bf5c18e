"""What AWS Secrets Manager keeps: the keys of upstreams and the logins of the database. None of it reaches a log."""

import logging
from typing import Any

import msgspec

from gans.errors import ConfigError, Transient
from gans.settings import Settings
from gans.source import CollectedSource

CONNECT_S, READ_S, TRIES = 5, 10, 3

# At DEBUG it logs whole answers, and with them the secrets; at INFO, in every run, where it found its settings.
logging.getLogger("botocore").setLevel(logging.WARNING)

_PASSING = ("InternalServiceError", "ThrottlingException")
_ABSENT = ("ResourceNotFoundException", "InvalidRequestException")  # the latter: it is marked for deletion


class Login(msgspec.Struct, frozen=True):
    """A user of the database, as RDS keeps it: JSON with `username`, `password`, and more that is not needed here."""

    username: str
    password: str

    def __repr__(self) -> str:
        return f"Login({self.username!r}, ***)"


def read_secret(name: str) -> str | None:
    """The text of the secret `name` (or of that ARN); None where there is no such secret.

    Raises:
        ConfigError: it may not be read, or is no text.
        Transient: Secrets Manager did not answer.
    """
    client = _client(name)
    from botocore import exceptions

    try:
        text: str | None = client.get_secret_value(SecretId=name).get("SecretString")
    except exceptions.ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _ABSENT:
            return None
        if code in _PASSING:
            raise Transient(f"Secrets Manager did not give {name}: {error}") from None
        raise ConfigError(f"The secret {name} in Secrets Manager cannot be read: {error}. Check what the role allows.") from None
    except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
        raise Transient(f"Secrets Manager was not reached for {name}: {error}") from None
    except exceptions.BotoCoreError as error:
        raise ConfigError(f"Secrets Manager cannot be asked for {name}: {error}") from None
    if text is None:
        raise ConfigError(f"The secret {name} in Secrets Manager is binary; it must be text.")
    return text


def _client(name: str) -> Any:
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError:
        raise ConfigError("A secret in Secrets Manager is to be read, which needs boto3: pip install 'gans[local]'") from None
    tries = {"total_max_attempts": TRIES, "mode": "standard"}
    try:
        return boto3.client("secretsmanager", config=Config(connect_timeout=CONNECT_S, read_timeout=READ_S, retries=tries))
    except BotoCoreError as error:
        raise ConfigError(
            f"Secrets Manager cannot be asked for {name}: {error}. Check AWS_PROFILE and AWS_DEFAULT_REGION."
        ) from None


def read_login(name: str) -> Login:
    """The login that the secret `name` keeps.

    Raises:
        ConfigError: there is no such secret, it may not be read, or is no login.
        Transient: Secrets Manager did not answer.
    """
    text = read_secret(name)
    if text is None:
        raise ConfigError(f"No login for the database: Secrets Manager has no secret {name}.")
    try:
        return msgspec.json.decode(text, type=Login)
    except msgspec.DecodeError as error:
        raise ConfigError(f"The secret {name} is not JSON with a username and a password: {error}") from None


def with_key(settings: Settings, source: CollectedSource) -> Settings:
    """`settings` with the key of `source`, read anew from the secret that `settings.key_secret` names, if any.

    Raises:
        ConfigError: the key is required and not there, may not be read, or cannot be one.
        Transient: Secrets Manager did not answer.
    """
    name = settings.key_secret
    if source.secret is None or not name:
        return settings
    key = (read_secret(name) or "").strip()
    if not key and source.secret.is_required:
        raise ConfigError(
            f"No key for {source.name}: Secrets Manager has no secret {name}, or an empty one. "
            f"Make it: aws secretsmanager create-secret --name {name} --secret-string …"
        )
    if not (key.isascii() and key.isprintable()) or key.startswith(("{", '"')):
        raise ConfigError(f"The secret {name} is no key: it must be the key alone, as plain ASCII text without quotes or JSON.")
    return msgspec.structs.replace(settings, keys={**settings.keys, source.secret.setting: key})
