"""The engine: samples in, images out. One denoising step of one batch at a time."""
