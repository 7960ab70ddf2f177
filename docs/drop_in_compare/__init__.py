"""Which caches for diffusers keep calls, branches and rows apart: the table in docs/drop_in.md."""
