"""The Lambda behind Custom::HealthOmicsRun: it starts a HealthOmics run exactly once and never orphans it."""
