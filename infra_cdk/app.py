"""The CDK app: `cdk` runs it, as `cdk.json` says."""

import sys

from aws_cdk import App, Tags

from gans.errors import ConfigError
from infra_cdk.context import read_context
from infra_cdk.foundation import Foundation
from infra_cdk.pipeline import Pipeline


def build(app: App) -> None:
    """Adds the stacks: both, or the pipeline alone where the database is there already.

    Raises:
        ConfigError: the context does not fit, or the functions cannot be packaged.
    """
    context = read_context(app)
    database = None if context.database_host else Foundation(app, "GansFoundation", context=context).database
    Pipeline(app, "GansPipeline", database=database, context=context)
    Tags.of(app).add("project", "gans")


def main() -> None:
    """Synthesises."""
    app = App()
    try:
        build(app)
    except ConfigError as error:
        sys.exit(str(error))
    app.synth()


if __name__ == "__main__":
    main()
