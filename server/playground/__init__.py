"""The page that a browser is shown at ``/``: static files, no build step, nothing from elsewhere."""
