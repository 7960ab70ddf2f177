"""A random model of FLUX.1's depth: what flux-nano's few blocks and tokens cannot show."""
