"""Hot code: kernels, their compiled variants, and how they are compiled."""
