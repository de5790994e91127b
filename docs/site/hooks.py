"""Pages of the site that are elsewhere in the repository: the README, the changelog, the guide.

Their links to `docs/` become links within the site. Links from pages to files outside `docs/`
would not work in the site, so the build fails if there is one.
"""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
}
IN_DOCS = re.compile(r"(\]\(|src=\")docs/")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages to those of the folder `docs`."""
    root = Path(config.config_file_path).parent
    for source, name in PAGES.items():
        text = IN_DOCS.sub(r"\1", (root / source).read_text(encoding="utf-8"))
        for other, page in PAGES.items():
            text = text.replace(f"]({other})", f"]({page})")
        files.append(File.generated(config, name, content=text))
    return files
