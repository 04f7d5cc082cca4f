"""Every row in fewer bits: what is off where, and what it costs."""
