"""What users do, for locust: a journey a file, put together in locustfile.py."""
