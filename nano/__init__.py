"""flux-nano: a small, real Flux model for scenes of flat shapes, and everything that trains and checks it."""
