"""Lambda handler behind ``wait_for_completion``: signals CloudFormation when runs have ended, and says how they did."""
