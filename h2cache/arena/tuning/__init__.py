"""A search over the rivals' guards on tuning prompts, so that they get what ``default`` got."""
