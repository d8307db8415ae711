"""Packaging. The base brings no stack, because two carry the import name ``mmseg``, and never asks for torchvision.

An environment that has mmseg already keeps its torch and its mmcv when this package is installed into it; the extras
``openmmlab`` and ``onedl`` are for new environments.
"""

import atexit
import platform
import re
import shutil
import sys
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.errors import BaseError, CCompilerError

ROOT = Path(__file__).parent
SHIPPED = ('configs', 'tools', 'checkpoints', 'model-index.yml')  # in mmseg_gdn/.mim, as mmseg's own packages have it

OPENMMLAB = [
    'mmengine==0.10.7',
    'mmcv-lite>=2.0,<2.2',
    'mmsegmentation==1.2.2',
    'mmpretrain==1.2.0',
    'torchvision',  # mmpretrain imports it without declaring it
    'ftfy',  # mmseg and mmpretrain import these two without declaring them
    'regex',
    'setuptools<82',  # mmengine imports pkg_resources
]
ONEDL = [
    'onedl-mmengine>=0.10.12,<0.11',
    'onedl-mmcv>=2.3.6,<2.4',
    'onedl-mmsegmentation>=1.4.2,<1.5',
    'onedl-mmpretrain>=1.3.6,<1.4',
    'torchvision',
    'ftfy',
    'regex',
]
CAFFE = ['protobuf>=4.25']  # earlier 4.x crash where they give back a repeated field
EXPORT = ['onnx', 'onnxruntime', 'onnxscript']
PLOTS = ['matplotlib>=3.5']
CRF = ['pydensecrf2>=1.1']  # pydensecrf, of which it is a fork, no longer builds
DEMO = ['gradio>=6.31; python_version >= "3.10"']
DOCS = ['sphinx', 'myst-parser', 'myst-nb', 'furo']
TESTS = [
    'hypothesis',
    'ipykernel',
    'mypy',
    'nbclient',
    'pytest',
    'pytest-cov',
    'pytest-random-order',
    'pytest-timeout',
    'pytest-xdist',
    'ruff',
    'scikit-image',
    'seaborn',
    *CAFFE,
    *EXPORT,
    *PLOTS,
    *CRF,
    *DOCS,
    *DEMO,
    'playwright; python_version >= "3.10"',
]


def version() -> str:
    """The version, which the package itself states."""
    return re.search(r"__version__ = '(.+)'", (ROOT / 'mmseg_gdn' / '__init__.py').read_text())[1]


def native_kernels() -> list:
    """The compiled operators. Without a compiler for them the installation goes on, and PyTorch does their work."""
    if not sys.platform.startswith('linux') or platform.machine() != 'x86_64':
        return []
    folder = 'mmseg_gdn/ops/cpu'
    names = ('interface', 'product', 'product_gradients', 'argmax', 'cross_entropy')
    return [
        Extension(
            'mmseg_gdn.ops.cpu._kernels',
            [f'{folder}/{name}.c' for name in names],
            depends=sorted(str(path.relative_to(ROOT)) for path in (ROOT / folder).glob('*.h')),
            extra_compile_args=['-std=gnu11', '-O3', '-mavx2', '-mfma', '-fopenmp', '-Wall', '-Wextra'],
            extra_link_args=['-fopenmp'],
            optional=True,
        )
    ]


class BuildOptional(build_ext):
    """Goes on without what does not compile, and says so at the end, where it is read."""

    def build_extension(self, ext: Extension) -> None:
        """Compile one extension."""
        try:
            super().build_extension(ext)
        except (BaseError, CCompilerError) as error:
            atexit.register(
                print,
                f'NOTE: {ext.name} was not compiled ({error}). The installation is complete, and '
                'PyTorch computes the same, more slowly. To compile it, install gcc or clang with OpenMP '
                'and install again; `python -m mmseg_gdn` tells what is used.',
                file=sys.stderr,
            )


class BuildWithShippedFiles(build_py):
    """Puts configs, tools, checkpoints and the index of models into the package, unless it stays in its clone."""

    def run(self) -> None:
        """Build the package."""
        super().run()
        if self.editable_mode:
            return
        folder = Path(self.build_lib, 'mmseg_gdn', '.mim')
        shutil.rmtree(folder, ignore_errors=True)  # what an earlier build left
        folder.mkdir(parents=True)
        for name in SHIPPED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns('__pycache__'))
            else:
                shutil.copy2(ROOT / name, folder / name)


setup(
    name='mmseg-gdn',
    version=version(),
    description="Global Deconvolutional Networks for MMSegmentation, faithful to the authors' Caffe",
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    keywords='semantic segmentation, upsampling, MMSegmentation, PyTorch',
    packages=find_packages(include=['mmseg_gdn', 'mmseg_gdn.*']),
    package_data={'': ['*.json', '*.css'], 'mmseg_gdn': ['py.typed']},
    ext_modules=native_kernels(),
    cmdclass={'build_ext': BuildOptional, 'build_py': BuildWithShippedFiles},
    entry_points={'console_scripts': ['mmseg-gdn = mmseg_gdn.cli.main:main']},
    python_requires='>=3.9',
    install_requires=['torch>=2.4', 'numpy>=1.22', 'pillow>=9.1', 'packaging'],
    extras_require={
        'openmmlab': OPENMMLAB,
        'onedl': ONEDL,
        'caffe': CAFFE,
        'export': EXPORT,
        'plots': PLOTS,
        'crf': CRF,
        'demo': DEMO,
        'docs': DOCS,
        'tests': TESTS,
    },
    classifiers=[  # what the tests run on, and nothing else
        'Development Status :: 4 - Beta',
        'Intended Audience :: Science/Research',
        'Operating System :: POSIX :: Linux',
        'Programming Language :: C',
        'Programming Language :: Python :: 3.9',
        'Programming Language :: Python :: 3.11',
        'Topic :: Scientific/Engineering :: Image Recognition',
        'Typing :: Typed',
    ],
)
