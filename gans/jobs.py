"""When what is stored is looked after: the same times on AWS and on a laptop."""

from typing import Final

from gans.schedule import daily, hourly

ARCHIVE: Final = hourly(5)
"""By then the runs of an hour's last minute are over, those that were tried again too; what comes later rewrites its hour."""

RETAIN: Final = daily("01:40")
MISSED: Final = daily("02:20")
"""When what is landed is compared with the ledger on AWS, where a notification of S3 may be lost."""
