"""``python -m docker.compose_test``: docker-compose.yml run for real, on images made here without a registry."""
