"""What the nights gave: a small database, SQLite's or PostgreSQL's, and what is read out of it."""
