"""What a user would write instead of this server, run beside it. `make peers` makes their environment."""
