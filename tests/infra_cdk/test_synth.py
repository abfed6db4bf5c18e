"""What `make synth` runs: the real CDK CLI, without an account."""

import os
import subprocess
from pathlib import Path

from tests.infra_cdk.conftest import ROOT

NO_ACCOUNT = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true"}


def test_the_cli_synthesises_without_an_account_and_without_a_warning(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | NO_ACCOUNT
    options = ["--quiet", "--strict", "--no-notices", "--context", "alarm_email=ops@example.org", "--output", str(tmp_path)]
    command = ["node_modules/.bin/cdk", "synth", *options]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert not [word for word in ("warn", "error", "not configured") if word in output.lower()], output
    assert {path.name for path in tmp_path.glob("*.template.json")} == {
        "GansFoundation.template.json",
        "GansPipeline.template.json",
    }
