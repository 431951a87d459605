"""How Sphinx builds the site from what tools/build_site.py lays out; `make docs`."""

from __future__ import annotations

import os

from digitlab.version import VERSION

project = "digitlab"
author = copyright = "the digitlab developers"  # noqa: A001 - Sphinx's name
version = release = VERSION
extensions = ["myst_nb"]
root_doc = "index"
smartquotes = False  # --count is an option, and no dash
exclude_patterns = ["_build"]
language = "en"

# Markdown, as the code host shows it; headings can be linked to.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "strikethrough"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}

# Notebooks are kept with their outputs, which tools/notebooks.py makes.
nb_execution_mode = "off"
nb_merge_streams = True
nb_mime_priority_overrides = [("html", "text/html", 0), ("html", "image/png", 1)]

html_theme = "furo"
html_title = f"digitlab {VERSION}"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True, "top_of_page_buttons": []}
html_last_updated_fmt = os.environ.get("SOURCE_DATE_EPOCH") and ""
# Files that pages name but that are no pages are given to download; anything else that leads nowhere is an error.
suppress_warnings = ["mystnb.unknown_mime_type"]
