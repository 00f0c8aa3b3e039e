"""What runs leave behind in CloudWatch Logs: run, engine and task logs, and the run manifest."""
