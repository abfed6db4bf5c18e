"""Errors, named by what happens next.

Every error carries a message for a person: what was wrong, where, and what to do. None carries a key or a password.
"""


class GansError(Exception):
    """The root of all errors that Gans raises on purpose.

    Attributes:
        status: the HTTP status that it came with; 0 where there was none.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Transient(GansError):
    """May pass by itself (time-out, 429, 5xx, lost connection): tried again inside the deadline, then by the platform.

    Attributes:
        retry_after: the seconds that the upstream asked to be left alone for; None where it did not say.
    """

    def __init__(self, message: str, status: int = 0, retry_after: float | None = None) -> None:
        super().__init__(message, status)
        self.retry_after = retry_after


class Permanent(GansError):
    """Asking again gives the same answer (401, 404, quota used up): recorded, alarmed, not retried."""


class QuotaExceeded(Permanent):
    """The quota of the period is used up: as every `Permanent`, and nothing more is asked in this run."""


class BadData(GansError):
    """The answer does not mean what it should: the item or the whole capture is rejected, the raw is kept."""


class NotModified(GansError):
    """The upstream has nothing newer than what was landed before: a success without rows."""


class ConfigError(GansError):
    """Something that a person must set or mend; raised before any request, and says every place it looked."""


class NotKnown(GansError):
    """There is no such source, system, city, area or model: the message says which there are."""


class NotReady(GansError):
    """There is not enough yet to answer with: the message says what is missing, and what to run or that it comes by itself."""


class Refused(GansError):
    """Asked for what is not given, or for more than is given at once: the message says what, and what may be asked."""
