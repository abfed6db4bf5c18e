"""What the tests of the deployed whole share: one local AWS, which each test finds as the one before it left it."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from local.servers.deployment import Deployed


class Clock:
    """That of the upstreams: the real time, until it is stopped."""

    stopped_at: datetime | None = None

    def __call__(self) -> datetime:
        return self.stopped_at or datetime.now(UTC)


@pytest.fixture(scope="session")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def aws(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Deployed]:
    """Gans, deployed, with a watchlist of three cities; every rule fires every minute."""
    if "mysql" not in str(request.config.getoption("--databases")).split(","):
        pytest.skip("mysql is not among --databases")
    with Deployed(tmp_path_factory.mktemp("aws"), cities=3, clock=clock) as deployed:
        deployed.deploy()
        deployed.watch()
        yield deployed


WITHIN_S = 600
"""How long anything may take, on a busy machine too."""


def await_that(condition: Callable[[], bool], what: str) -> None:
    """Waits until `condition` holds."""
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {WITHIN_S} s: {what}"
        time.sleep(0.5)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A failure shows what the functions said."""
    report = yield
    deployed = getattr(item, "funcargs", {}).get("aws")
    if report.failed and deployed:  # type: ignore[attr-defined]
        log = "\n".join(f"{line.at:%H:%M:%S.%f} {line.function}: {line.text}" for line in deployed.log())
        report.sections.append(("what the functions logged", log))  # type: ignore[attr-defined]
    return report
