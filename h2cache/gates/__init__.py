"""When to reuse: one rule a file."""
