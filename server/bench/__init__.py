"""The committed numbers: each file measures one, ``table`` prints them all."""
