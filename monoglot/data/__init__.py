"""Raw data: where files come from, how each format is read, and what is kept in the results."""
