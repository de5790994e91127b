"""What a run has done, does and has still to do: asked of Snakemake, and read from its files."""
