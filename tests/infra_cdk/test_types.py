"""mypy reads the CDK's modules that are used, and only them: what it does not read, it lets pass whatever it is given."""

import ast
import tomllib

from tests.infra_cdk.conftest import ROOT


def test_mypy_reads_each_module_of_the_cdk_that_is_used() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    (read,) = (set(override["module"]) for override in settings["overrides"] if override.get("follow_imports") == "normal")
    trees = [ast.parse(path.read_text()) for path in (ROOT / "infra_cdk").glob("*.py")]
    imports = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    cdk = [node for node in imports if node.module and node.module.partition(".")[0] == "aws_cdk"]
    used = {f"{node.module}.{alias.name}" for node in cdk for alias in node.names if alias.name.islower()}
    assert len(used) > 10
    assert used | {str(node.module) for node in cdk} <= read
