"""What Gans has on AWS, as a CDK app: `cdk deploy --all`."""
