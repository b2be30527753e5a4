"""Every query, the unit of work, the one commit."""
