"""The numbers of streams and progress events: ``h2serve bench --http``."""
