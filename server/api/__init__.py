"""The HTTP side: parses and checks requests, shapes answers. Never imports torch or the engine."""
