"""Whether this machine has what a run needs: each check makes findings that say what to do."""
