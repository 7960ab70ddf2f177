"""What rivals of the default want to know of a model before: fitted on tuning prompts, by number of steps."""
