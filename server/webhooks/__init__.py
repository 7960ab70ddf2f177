"""Telling somebody else's server of a job's end, without letting a client aim ours at what it should not reach."""
