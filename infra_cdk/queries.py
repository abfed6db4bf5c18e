"""Saved queries of CloudWatch Logs Insights: what a person would ask of the functions' logs, ready to run."""

from collections.abc import Mapping, Sequence
from typing import Final

from aws_cdk import aws_logs as logs
from constructs import Construct

QUERIES: Final[Mapping[str, str]] = {
    "Errors": r"""
        fields @timestamp, source, slot, message, exception_name, @log
        | filter level in ["ERROR", "CRITICAL"] or @message like /\[ERROR\]|Task timed out|Runtime exited/
        | sort @timestamp desc
        | limit 100""",
    "Not loaded": """
        filter message like /^not loaded/
        | stats max(delivery) as deliveries, latest(message) as reason by message_id
        | sort deliveries desc
        | limit 100""",
    "Not answered": """
        fields @timestamp, source, slot, units, transient, permanent
        | filter message = "collected" and transient + permanent > 0
        | sort @timestamp desc
        | limit 100""",
    "Not as it should be": """
        fields @timestamp, source, slot, status, rejected, error, key
        | filter message = "loaded" and status in ["failed", "partial"]
        | sort @timestamp desc
        | limit 100""",
    "Time and memory": """
        filter @type = "REPORT"
        | stats max(@duration) / 1000 as longest_s, max(@maxMemoryUsed) / 1000000 as most_mb, count(*) as runs by @log
        | sort longest_s desc""",
}
"""By name."""


def saved_text(title: str) -> str:
    """The text of one of `QUERIES`, a command a line."""
    return "\n".join(line.strip() for line in QUERIES[title].strip().splitlines())


class SavedQueries(Construct):
    """`QUERIES`, in the console under "Gans", each over the logs of all functions."""

    def __init__(self, scope: Construct, name: str, *, log_groups: Sequence[logs.ILogGroup]) -> None:
        super().__init__(scope, name)
        for title in QUERIES:
            logs.CfnQueryDefinition(
                self,
                title.title().replace(" ", ""),
                name=f"Gans/{title}",
                query_string=saved_text(title),
                log_group_names=[group.log_group_name for group in log_groups],
            )
