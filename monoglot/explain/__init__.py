"""From one number of a table back to everything it came from, and what has changed since."""
