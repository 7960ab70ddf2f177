"""The job queue: one interface, an in-memory implementation, and room for others behind it."""
