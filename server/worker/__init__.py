"""The worker: owns one engine, takes jobs as it has room, and hands in what it makes of them."""
