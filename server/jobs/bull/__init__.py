"""The job queue on Redis: BullMQ's engine, and around it what it lacks."""
