"""Settings of the documentation site: python -m sphinx -W --keep-going -n -c docs . work_dirs/site.

The source folder is the root of the repository, so that pages, their links and their pictures are where GitHub shows
them, and pages outside ``docs`` belong to the site as they are. Nothing of the site comes from another server.
"""

import re
import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / '_ext'))

project = 'mmseg_gdn'
author = 'the authors of mmseg_gdn'
release = re.search(r"__version__ = '(.+)'", (DOCS.parent / 'mmseg_gdn' / '__init__.py').read_text())[1]
html_title = f'mmseg_gdn {release}'
html_show_copyright = False

extensions = [
    'myst_nb',
    'sphinx.ext.autodoc',
    'sphinx.ext.napoleon',
    'sphinx.ext.viewcode',
    'mathml',
    'repository_links',
    'shapes',
]
root_doc = 'docs/index'
include_patterns = [
    'docs/*.md',
    'docs/*.ipynb',
    'configs/gdn/README.md',
    'benchmarks/accuracy/*.md',
    'checkpoints/*.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
]
# Folders without pages, which are not worth looking into.
exclude_patterns = ['.*', '**/.*', 'data', 'work_dirs', 'build', 'dist', 'tests', 'tools', 'mmseg_gdn*']

html_theme = 'furo'
html_math_renderer = 'mathml'
templates_path = ['_templates']
html_additional_pages = {'index': 'start.html'}  # the root of the site leads to the first page
html_copy_source = False
html_show_sphinx = False
pygments_style = 'friendly'
smartquotes = False  # messages are looked for as they are printed

nb_execution_mode = 'off'  # the notebook has its outputs, and a test runs it
myst_enable_extensions = ['dollarmath']
myst_heading_anchors = 4  # as on GitHub
myst_links_external_new_tab = False

autodoc_member_order = 'bysource'
autodoc_inherit_docstrings = False  # those of mmseg and PyTorch name what this site does not have
autodoc_typehints_format = 'short'
add_module_names = False
napoleon_use_ivar = True
napoleon_use_rtype = False

# Names of other projects, whose sites are not asked.
nitpick_ignore_regex = [('py:.*', r'(?!mmseg_gdn\.).*')]
