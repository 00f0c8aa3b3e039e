"""A local AWS for HealthOmics runs: MiniStack behind a launcher, and a HealthOmics endpoint of our own."""
