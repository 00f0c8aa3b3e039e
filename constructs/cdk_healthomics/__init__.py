"""CDK constructs that make an AWS HealthOmics workflow run a first-class resource."""
