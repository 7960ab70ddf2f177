"""The cache in a diffusers script: a module that stands in for a pipeline's transformer."""
