"""What composes builder, bench and ext into whole jobs."""
