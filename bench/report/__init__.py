"""Reports: one module per format, each rendered from result.json alone."""
