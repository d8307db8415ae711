"""What is said when a tool's own packages are missing."""

from importlib import metadata

import pytest

from mmseg_gdn.utils import InputError, extras, require_extra


@pytest.fixture
def versions(monkeypatch):
    """Versions of installed packages by name, to be set by the test."""
    installed = {}

    def version(name):
        if name not in installed:
            raise metadata.PackageNotFoundError(name)
        return installed[name]

    declared = [
        'numpy>=1.22',
        "protobuf>=4.22; extra == 'caffe'",
        "onnx; extra == 'export'",
        "onnxruntime; extra == 'export'",
    ]
    monkeypatch.setattr(extras.metadata, 'requires', lambda name: declared)
    monkeypatch.setattr(extras.metadata, 'version', version)
    return installed


def test_installed_packages_are_enough(versions):
    versions.update(protobuf='4.22.0', onnx='1.16.0', onnxruntime='1.18.0')
    require_extra('caffe')
    require_extra('export')


def test_a_missing_package_is_named_with_its_command(versions):
    with pytest.raises(InputError, match=r"'caffe' \(protobuf is not installed\); run: pip install 'protobuf>=4.22'"):
        require_extra('caffe')


def test_a_package_that_is_too_old(versions):
    versions['protobuf'] = '3.20.3'
    with pytest.raises(InputError, match='protobuf is 3.20.3'):
        require_extra('caffe')


def test_only_what_is_missing_is_named(versions):
    versions['onnx'] = '1.16.0'
    with pytest.raises(InputError, match=r'\(onnxruntime is not installed\); run: pip install onnxruntime$'):
        require_extra('export')


@pytest.mark.parametrize('extra', ['caffe', 'crf', 'export', 'plots'])
def test_the_extras_that_tools_ask_for_are_declared(extra):
    assert extra in metadata.metadata('mmseg-gdn').get_all('Provides-Extra')
    require_extra(extra)
