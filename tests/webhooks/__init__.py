"""Webhooks: who may be told, by which address, and how it is signed."""
