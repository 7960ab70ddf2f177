"""What of a signal is compared: one summary a file."""
