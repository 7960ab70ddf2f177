"""NVIDIA's aiperf as an outside judge of the same server: what it measures must not differ from what we do."""
