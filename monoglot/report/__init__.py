"""From records to tables: as CSV, Markdown, LaTeX, and on a terminal."""
