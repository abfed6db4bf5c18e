"""What of the local AWS can be told without one; tests/aws has the rest."""

from pathlib import Path

import pytest

from gans.errors import ConfigError
from local.servers import deployment
from local.servers.aws import error_in, tidy
from local.servers.deployment import Deployed


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ('{"level":"ERROR","message":"not loaded: the database is away","service":"gans"}', "not loaded: the database is away"),
        ('{"level":"INFO","message":"loaded","error":""}', ""),
        ('{"_aws":{"Timestamp":1},"Requests":[1.0]}', ""),
        ("START RequestId: 1 Version: $LATEST", ""),
        ("REPORT RequestId: 1\tDuration: 3 ms", ""),
        ("Traceback (most recent call last):", ""),
        ('  File "/var/task/lambdas/collect.py", line 45, in handler', ""),
        ("gans.errors.ConfigError: No key for flights", "gans.errors.ConfigError: No key for flights"),
        ("Task timed out after 900.00 seconds", "Task timed out after 900.00 seconds"),
    ],
)
def test_the_errors_among_the_lines_of_a_log(line: str, error: str) -> None:
    assert error_in(line) == error


def test_without_the_cdk_cli_nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment, "CDK", tmp_path / "node_modules" / ".bin" / "cdk")
    with pytest.raises(ConfigError, match="make node_modules"):
        Deployed(tmp_path / "aws").__enter__()
    assert not (tmp_path / "aws").exists()


def test_of_a_deployment_only_its_log_stays(tmp_path: Path) -> None:
    for path in ("ministack.log", "environment", "cdk.out/asset.1/code.py", "tmp/functions/big", "cdk/cache.json"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    tidy(tmp_path)
    tidy(tmp_path / "absent")
    assert [path.name for path in tmp_path.iterdir()] == ["ministack.log"]
