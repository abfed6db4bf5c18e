"""What whoever deploys may choose: values of the CDK context, in `cdk.json` or from `cdk deploy -c name=value`."""

import re
from ipaddress import ip_network
from typing import Annotated, Any, Literal

import msgspec
from constructs import Construct

from gans.errors import ConfigError
from gans.sources import asked

WIDEST_PREFIX = 8
_LISTS = ("analyst_cidrs", "database_subnets", "without")


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """The context values that Gans reads; a list may also be written as words between commas.

    Attributes:
        platform: "arm64" for AWS; "local" for a local AWS, which runs the functions in this machine's Python.
        access: how analysts reach the database that is made: through a "bastion", over the internet ("public"), or not ("none").
            Chosen at the first deploy: "public" moves the database to other subnets, which makes a new one.
        analyst_cidrs: the IPv4 networks whose addresses may reach a public database; none wider than a /8.
        database_host: a MySQL that is there already; "" to have one made.
        database_port: its port.
        database_secret: name or ARN of the secret with its user (JSON with username and password), who may make tables and users.
        analyst_secret: name or ARN of the secret with the user to be made for analysts; "" for none.
        database_subnets: where the functions stand to reach it; S3 and Secrets Manager must be reached from there too.
        database_security_group: the security group that they are in there.
        contact: an address or URL for the User-Agent, so that an upstream can reach the operator.
        alarm_email: where alarms go; "" for nobody, which a deploy says of itself.
        without: the sources that are not to be collected.
        every_minutes: asks every source so often instead of on its schedule; 0 for its schedule.
        simulator_url: asks a simulator of the upstreams on this machine, where the AWS is a local one.
    """

    platform: Literal["arm64", "local"] = "arm64"
    access: Literal["none", "bastion", "public"] = "none"
    analyst_cidrs: tuple[str, ...] = ()
    database_host: str = ""
    database_port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 3306
    database_secret: str = ""
    analyst_secret: str = ""
    database_subnets: tuple[str, ...] = ()
    database_security_group: str = ""
    contact: str = ""
    alarm_email: str = ""
    without: tuple[str, ...] = ()
    every_minutes: Annotated[int, msgspec.Meta(ge=0, le=60)] = 0
    simulator_url: str = ""

    def __post_init__(self) -> None:
        if self.database_host and not self.database_secret:
            raise ConfigError("The context has database_host without database_secret: name the secret with its user.")
        if bool(self.database_subnets) != bool(self.database_security_group):
            raise ConfigError("database_subnets and database_security_group belong together: give both, or none.")
        if (self.access == "public") != bool(self.analyst_cidrs):
            raise ConfigError('The context needs analyst_cidrs with access=public, like ["203.0.113.0/24"], and only there.')
        for cidr in self.analyst_cidrs:
            _require_narrow(cidr)
        if self.alarm_email and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", self.alarm_email):
            raise ConfigError(f"alarm_email={self.alarm_email} is no address for e-mail: give one, like ops@example.org.")
        if unknown := sorted(set(self.without) - set(asked())):
            raise ConfigError(f"without={','.join(unknown)} is no source. Known: {', '.join(asked())}")

    @property
    def is_local(self) -> bool:
        """Whether the AWS is a local one, of which nothing has to last."""
        return self.platform == "local"


def _require_narrow(cidr: str) -> None:
    try:
        network = ip_network(cidr)
    except ValueError as error:
        raise ConfigError(f"analyst_cidrs has {cidr!r}, which is no network: {error}. Write it like 203.0.113.0/24.") from None
    if network.version != 4 or network.prefixlen < WIDEST_PREFIX:
        raise ConfigError(
            f"analyst_cidrs has {cidr}, which lets half the world at the database: name the IPv4 networks of your analysts, none "
            f"wider than a /{WIDEST_PREFIX}, like 203.0.113.0/24. For analysts without a fixed address there is access=bastion."
        )


def read_context(scope: Construct) -> Context:
    """The context of the app that `scope` is in; an empty value counts as not set.

    Raises:
        ConfigError: a value does not fit, or does not go with another.
    """
    values: dict[str, Any] = {name: scope.node.try_get_context(name) for name in Context.__struct_fields__}
    values = {name: value for name, value in values.items() if value not in (None, "")}
    for name in _LISTS:
        if isinstance(value := values.get(name), str):
            values[name] = [word.strip() for word in value.split(",")]
    try:
        return msgspec.convert(values, Context, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"A value of the CDK context does not fit: {error}") from None
