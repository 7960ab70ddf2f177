"""What Prometheus is told. Registries are passed in: two servers in one process do not share numbers."""
