"""Scripts that run inside the measured interpreter."""
