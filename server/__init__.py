"""h2serve: the image server around the cache. Only ``server.app`` puts its parts together."""
