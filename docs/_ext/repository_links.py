"""Links to what is in the repository but not on the site, such as folders and the README, as plain text."""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx


def without_links(app: Sphinx, page: nodes.document) -> None:
    """Put the text of such links in their place."""
    for link in list(page.findall(pending_xref)):
        if link['reftype'] == 'myst' and _is_not_on_the_site(app, link):
            link.replace_self(link.children)


def _is_not_on_the_site(app: Sphinx, link: pending_xref) -> bool:
    if link.get('refdomain') == 'doc':
        return link['reftarget'] not in app.env.found_docs
    return Path(app.env.relfn2path(link['reftarget'], app.env.docname)[1]).is_dir()


def setup(app: Sphinx) -> dict[str, bool]:
    """Do it for each page after it has been read."""
    app.connect('doctree-read', without_links)
    return dict(parallel_read_safe=True, parallel_write_safe=True)
