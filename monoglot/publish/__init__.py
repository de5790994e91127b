"""A checkpoint given to others: what goes to the Hub, and how."""
