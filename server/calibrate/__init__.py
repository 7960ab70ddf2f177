"""``h2serve calibrate``: presets from what the arena measures on the user's own model and prompts."""
