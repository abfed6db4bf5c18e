"""Gans as it is deployed, on this machine: MiniStack, a MySQL, the simulated upstreams, and the real CDK CLI."""

# ruff: noqa: S603 - commands are lists of arguments, and no shell reads them

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec
from sqlalchemy import Engine, create_engine, text

from gans.database.engine import open_engine
from gans.errors import ConfigError
from gans.settings import Settings
from gans.sources import asked
from gans.storage.store import S3Store
from gans.storage.watchlist import KEY
from local.servers import mysql
from local.servers.ministack import ACCOUNT, REGION, MiniStack
from local.simulator import Simulator

ROOT = Path(__file__).resolve().parents[2]
CDK = ROOT / "node_modules" / ".bin" / "cdk"
STACK = "GansPipeline"
CONTACT = "local-aws@example.org"

_MILESTONES = ("✨", "✅", f"{STACK}: deploying")  # among what the CLI says
DATABASE_SECRET, ANALYST_SECRET = "gans/database", "gans/analyst"
_ANY_KEY = "any-key-will-do"  # for the simulator

# What RDS gives its master user; it is no superuser.
_MASTER = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, "
    "CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, "
    "EVENT, TRIGGER"
)


class Line(NamedTuple):
    """A line that a function logged."""

    at: datetime
    function: str
    text: str


class Deployed:
    """Everything that a deployed Gans needs, and Gans on it once `deploy` has run, while a `with` block lasts.

    Attributes:
        cloud: the AWS that it is deployed to.
        simulator: the upstreams, with the cities of the watchlist.
        server: the MySQL server; its data is gone with the block.
        engine: the database, as its root.
    """

    cloud: MiniStack
    simulator: Simulator
    server: mysql.Server
    engine: Engine

    def __init__(
        self,
        folder: Path,
        *,
        cities: int = 10,
        every_minutes: int = 1,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_progress: Callable[[str], object] = lambda line: None,
    ) -> None:
        """`folder` takes what is made; rules fire every so many minutes; `clock` is that of the upstreams."""
        self.folder, self._cities, self._every_minutes, self._clock = folder, cities, every_minutes, clock
        self._synthesised = folder / "cdk.out"
        self._on_progress = on_progress
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        """Starts the upstreams, the database and MiniStack, and makes what an operator makes before the first deploy.

        Raises:
            ConfigError: something is not installed, or does not start.
        """
        if not CDK.exists():
            raise ConfigError(f"The CDK CLI is not in {CDK.parent}: make node_modules")
        self.folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as opened:
            self.simulator = opened.enter_context(Simulator(self._cities, clock=self._clock))
            self._on_progress("starting MySQL")
            self.server = mysql.start(throwaway=True, on_progress=self._on_progress)
            opened.callback(mysql.stop, self.server.home)
            self._on_progress("starting MiniStack")
            self.cloud = opened.enter_context(MiniStack(self.folder))
            self._make_database()
            self.engine = open_engine(Settings(database_url=f"{self.server.url}gans"))
            opened.callback(self.engine.dispose)
            self._make_keys()
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @property
    def environment(self) -> Mapping[str, str]:
        """What `gans status` and every other command of Gans need to work with it."""
        return {
            **self.cloud.environment,
            "GANS_LANDING": f"s3://{self.bucket}",
            "GANS_DATABASE_URL": f"{self.server.url}gans",
            "GANS_SIMULATOR_URL": self.simulator.url,
        }

    def _make_database(self) -> None:
        """An empty database, its master, and the logins that the functions read."""
        keeper, passwords = self.cloud.client("secretsmanager"), {}
        for secret, user in ((DATABASE_SECRET, "gans"), (ANALYST_SECRET, "analyst")):
            passwords[user] = secrets.token_urlsafe(24)
            login = msgspec.json.encode({"username": user, "password": passwords[user]})
            keeper.create_secret(Name=secret, SecretString=login.decode())
        server = create_engine(self.server.url)
        with server.begin() as connection:
            connection.execute(text("CREATE DATABASE gans CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"))
            connection.execute(text("CREATE USER gans@'%' IDENTIFIED BY :password"), {"password": passwords["gans"]})
            connection.execute(text(f"GRANT {_MASTER} ON *.* TO gans@'%' WITH GRANT OPTION"))
        server.dispose()

    def _make_keys(self) -> None:
        """A key for every source that does not do without."""
        keeper = self.cloud.client("secretsmanager")
        for source in asked().values():
            if source.secret and source.secret.is_required:
                keeper.create_secret(Name=f"gans/keys/{source.name}", SecretString=_ANY_KEY)

    # The CDK CLI

    def deploy(self) -> str:
        """Bootstraps and deploys with the CDK CLI; called again, it deploys what has changed.

        Returns:
            What the CLI said.

        Raises:
            ConfigError: the deploy failed.
        """
        self._on_progress("bootstrapping (cdk bootstrap)")
        self._cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}", folder=self.folder)  # needs no app
        self._on_progress("deploying (cdk deploy)")
        return self._cdk("deploy", "--all", "--require-approval", "never", "--output", str(self._synthesised))

    def destroy(self) -> str:
        """Takes away what was deployed (cdk destroy).

        Raises:
            ConfigError: that failed.
        """
        self._on_progress("taking it down (cdk destroy)")
        return self._cdk("destroy", "--all", "--force", "--app", str(self._synthesised))

    def _cdk(self, *command: str, folder: Path = ROOT) -> str:
        """Runs the CLI on the app in `folder`."""
        context = {
            "platform": "local",
            "access": "none",
            "database_host": "127.0.0.1",
            "database_port": self.server.port,
            "database_secret": DATABASE_SECRET,
            "analyst_secret": ANALYST_SECRET,
            "every_minutes": self._every_minutes,
            "simulator_url": self.simulator.url,
            "contact": CONTACT,
        }
        arguments = [argument for name, value in context.items() for argument in ("--context", f"{name}={value}")]
        own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GANS_"))}
        environment = {
            **own,
            **self.cloud.environment,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "NODE_EXTRA_CA_CERTS": str(self.cloud.certificate),
            "CDK_HOME": str(self.folder / "cdk"),  # else it keeps this account among the real ones
            "CDK_DISABLE_CLI_TELEMETRY": "true",
        }
        output = []
        with subprocess.Popen(
            (str(CDK), *command, *arguments, "--ci", "--no-notices", "--no-color"),
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout
            for line in process.stdout:
                output.append(line)
                if line.startswith(_MILESTONES):
                    self._on_progress(line.strip())
        if process.returncode:
            raise ConfigError(f"cdk {command[0]} failed:\n{''.join(output)}\n{self.cloud.end_of_log()}")
        return "".join(output)

    # What was deployed

    def outputs(self) -> dict[str, str]:
        """The outputs of the stack: the name of the bucket, the queues' URLs."""
        (stack,) = self.cloud.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    @property
    def bucket(self) -> str:
        """The name of the bucket."""
        return self.outputs()["BucketName"]

    @property
    def store(self) -> S3Store:
        """The bucket, as the account's root sees it."""
        return S3Store(self.bucket, self.cloud.client("s3"))

    def functions(self) -> dict[str, str]:
        """The functions' names, by the source that one collects, or by its module: "weather", "load"."""
        return {role: configuration["FunctionName"] for role, configuration in self._configurations().items()}

    def _configurations(self) -> dict[str, dict[str, Any]]:
        found = {}
        for page in self.cloud.client("lambda").get_paginator("list_functions").paginate():
            for configuration in page["Functions"]:
                package, _, module = configuration["Handler"].removesuffix(".handler").partition(".")
                if package == "lambdas":  # not one of CDK's own
                    found[configuration["Environment"]["Variables"].get("GANS_SOURCE", module)] = configuration
        return found

    def watch(self) -> None:
        """Puts the watchlist, which fires the source that reads it."""
        self.store.write(
            KEY, msgspec.json.encode({"cities": self.simulator.world.watchlist(), "systems": self.simulator.world.systems()})
        )

    def log(self, since: datetime | None = None) -> list[Line]:
        """What the functions logged, in order of time."""
        client, found = self.cloud.client("logs"), []
        start = {"startTime": int(since.timestamp() * 1000)} if since else {}
        for role, configuration in self._configurations().items():
            group = configuration["LoggingConfig"]["LogGroup"]
            for event in client.filter_log_events(logGroupName=group, **start)["events"]:
                found.append(Line(datetime.fromtimestamp(event["timestamp"] / 1000, UTC), role, event["message"]))
        return sorted(found, key=lambda line: line.at)
