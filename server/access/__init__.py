"""Who calls, what they may ask for, and how fast. Standard library only, but for what is kept in Redis."""
