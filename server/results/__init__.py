"""Finished images: bytes with a time to live, behind one interface."""
