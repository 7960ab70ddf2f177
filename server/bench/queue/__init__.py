"""``h2serve bench --queue``: what the queue in Redis costs and how far one Redis goes."""
