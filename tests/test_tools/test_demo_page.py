"""The command line of the demo page; ``tests/test_demo_page`` opens it in a browser."""

import socket
import sys

import pytest

import demo_page
from mmseg_gdn.utils import InputError


@pytest.fixture
def parse(monkeypatch):

    def run(*args):
        monkeypatch.setattr(sys, 'argv', ['demo_page.py', *map(str, args)])
        return demo_page.parse_args()

    return run


def test_nothing_has_to_be_named(parse):
    args = parse()
    assert (args.model, args.compare, args.host, args.port) == ([], None, '127.0.0.1', 7860)


def test_two_models(parse):
    args = parse('gdn.py', 'gdn.pth', '--compare', 'bilinear.py', 'bilinear.pth')
    assert args.model == ['gdn.py', 'gdn.pth']
    assert args.compare == ['bilinear.py', 'bilinear.pth']


@pytest.mark.parametrize(
    ('args', 'what'),
    [
        (['gdn.py'], 'name a config and a checkpoint, or nothing; got gdn.py'),
        (['a.py', 'a.pth', 'photo.jpg'], 'or nothing; got a.py a.pth photo.jpg'),
        (['--compare', 'a.py', 'a.pth'], 'name that one first'),
        (['--longest-side', '8'], '32 or more; got 8'),
    ],
)
def test_refused(parse, args, what, capsys):
    with pytest.raises(SystemExit) as stopped:
        parse(*args)
    assert stopped.value.code == 2
    assert what in capsys.readouterr().err


def test_without_gradio(parse, monkeypatch):
    monkeypatch.setattr(sys, 'version_info', (3, 11, 0))
    monkeypatch.setattr(demo_page, 'find_spec', lambda name: None)
    parse()
    with pytest.raises(InputError, match=r'needs Gradio, which is not installed; run: pip install "mmseg_gdn\[demo\]"'):
        demo_page.main()


def test_with_a_python_that_gradio_does_not_know(parse, monkeypatch):
    monkeypatch.setattr(sys, 'version_info', (3, 9, 0))
    parse()
    with pytest.raises(InputError, match=r'needs Python 3.10 or newer'):
        demo_page.main()


@pytest.mark.slow
def test_faults_end_in_a_sentence(run_script, tmp_path):
    pytest.importorskip('gradio', reason='needs Gradio, the extra demo')
    with socket.create_server(('127.0.0.1', 0)) as other:
        port = other.getsockname()[1]
        in_use = run_script('tools/demo_page.py', '--port', port)
    assert in_use.returncode == 1
    assert in_use.stderr.startswith(f'error: Cannot listen on port {port} of 127.0.0.1')
    missing = run_script('tools/demo_page.py', tmp_path / 'no.py', tmp_path / 'no.pth', '--port', 0)
    assert missing.returncode == 1
    assert missing.stderr.startswith(f'error: There is no config {tmp_path}/no.py')
