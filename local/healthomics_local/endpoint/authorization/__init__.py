"""Who calls, and what they and the roles of runs may do."""
