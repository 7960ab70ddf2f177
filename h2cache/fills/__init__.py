"""What to put in for a reused stage: one rule a file."""
