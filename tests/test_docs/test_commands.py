"""Command lines in the documents fit the parsers of their tools, and the tools are run by tests."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from mmseg_gdn.cli.main import main as command
from mmseg_gdn.shipped import PREFIX, shipped_config
from mmseg_gdn.utils.commands import COMMANDS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted((ROOT / 'docs').glob('*.md'))]

# The tests that run each script, on small inputs. What their whole work needs is VOC, a GPU, a download or days.
RUN = {
    'benchmarks/accuracy/photographs.py': 'tests/test_docs/test_commands.py',
    'tools/analysis_tools/compare.py': 'tests/test_tools/test_analysis_tools/test_compare.py',
    'tools/analysis_tools/crf_search.py': 'tests/test_tools/test_crf_search.py',
    'tools/analysis_tools/plot_kernels.py': 'tests/test_tools/test_analysis_tools/test_plot_kernels.py',
    'tools/analysis_tools/plot_training.py': 'tests/test_tools/test_analysis_tools/test_plot_training.py',
    'tools/check_submission.py': 'tests/test_tools/test_train_and_test.py',
    'tools/dataset_converters/get_voc.py': 'tests/test_tools/test_get_voc.py',
    'tools/dataset_converters/synthetic_voc.py': 'tests/test_tools/test_demo.py',
    'tools/demo_page.py': 'tests/test_demo_page/test_browser.py',
    'tools/fit_kernels.py': 'tests/test_tools/test_fit_kernels.py',
    'tools/gdn_variant.py': 'tests/test_tools/test_gdn_variant.py',
    'tools/model_converters/caffe2mmseg.py': 'tests/test_tools/test_caffe2mmseg.py',
    'tools/model_converters/get_weights.py': 'tests/test_tools/test_get_weights.py',
    'tools/predict.py': 'tests/test_tools/test_prediction/test_predict.py',
    'tools/reproduce.py': 'tests/test_tools/test_reproduction/test_reproduce.py',
    'tools/stock.py': 'tests/test_tools/test_stock.py',
    'tools/test.py': 'tests/test_tools/test_train_and_test.py',
    'tools/train.py': 'tests/test_tools/test_train_and_test.py',
    'tools/verify_caffe.py': 'tests/test_tools/test_verify_caffe.py',
}
# Only the command line of these is checked.
NEEDS = {
    'benchmarks/demo_page.py': 'a Chromium',
    'benchmarks/gpu.sh': 'a GPU',
    'benchmarks/gpu_record.py': 'a result of benchmarks/gpu.sh',
    'benchmarks/run.py': 'an idle machine for 20 minutes',
    'benchmarks/table.py': 'a result of benchmarks/run.py',
}
PASSED_ON = {'benchmarks/gpu.sh': 'benchmarks/gpu.py'}  # a shell script, and what parses its options
# Commands without a parser here, and what shows that they work.
ELSEWHERE = {
    '.venv/bin/mypy': 'Makefile',
    '.venv/bin/ruff check .': 'Makefile',
    '.venv/bin/ruff format .': 'Makefile',
    'make test VENV=work_dirs/test_venv': '.ci/run',
    'python3 -m venv .venv': 'Makefile',
    'python3.9 -m venv lowest': 'Makefile',
    'pip wheel --no-deps -w dist .': 'tests/test_packaging/conftest.py',
    'pip install dist/mmseg_gdn-*.whl': 'tests/test_packaging/test_installed.py',
    'ids=data/VOCdevkit/VOC2012/ImageSets/Segmentation/test.txt': 'tests/test_tools/test_get_voc.py',
    'python benchmarks/table.py benchmarks/results/NAME.json': 'benchmarks/table.py',
}
# Commands in a line of text or in a cell of a table; they may be incomplete.
SPAN = re.compile(r'(?<!`)`([^`]+)`(?!`)')
FENCED = re.compile(r'^( *)```.*?^\1```', re.DOTALL | re.MULTILINE)
INLINE = re.compile(
    r'((?:python |bash )?(?:tools|benchmarks)/\S+\.(?:py|sh)'
    r'|(?:mmseg-gdn|python -m mmseg_gdn)(?: [a-z]\S*)?)(?![\w./-])(.*)'
)
ENVIRONMENT = re.compile(r'^(?:[A-Z_]+=\S* )+')


def command_lines():
    for page in PAGES:
        for block in re.findall(r'```sh\n(.*?)```', page.read_text(encoding='utf-8'), re.DOTALL):
            for line in re.sub(r' *\\\n\s*', ' ', block).splitlines():
                words = shlex.join(shlex.split(re.sub(r'\$\(.*?\)', 'SUBSTITUTED', line), comments=True))
                if words:
                    yield pytest.param(ENVIRONMENT.sub('', words), id=f'{page.stem}: {words}')


def inline_commands():
    others = (path for folder in ('configs', 'benchmarks', 'checkpoints') for path in (ROOT / folder).rglob('*.md'))
    for page in [*PAGES, *sorted(others)]:
        for span in SPAN.findall(FENCED.sub('', page.read_text(encoding='utf-8'))):
            line = ' '.join(span.split())
            if INLINE.fullmatch(line):
                yield pytest.param(line, id=f'{page.stem}: {line}')


def is_elsewhere(line):
    return shlex.split(line) in [shlex.split(known) for known in ELSEWHERE]


@pytest.mark.parametrize('line', command_lines())
def test_is_tested_or_fits_its_parser(line, parse):
    if is_elsewhere(line):
        return
    program, *words = shlex.split(line.split(" '>' ")[0])
    check = CHECKS[re.sub(r'^(.*bin/)?(python|pip)[\d.]*$', r'\2', program)]
    check(words, parse)


def check_python(words, parse):
    if words[0] == '-m':
        MODULES[words[1]](words[2:], parse)
    else:
        check_script(words, parse)


def check_script(words, parse):
    script, *words = words
    assert script in RUN or script in NEEDS, 'neither is a test named that runs it, nor what it needs'
    assert (ROOT / script).is_file()
    parsed = parse(ROOT / PASSED_ON.get(script, script), words)
    if script == 'tools/stock.py':
        parse(parsed['stock_folder']() / f'{words[0]}.py', words[1:])


def check_command(words, parse):
    if words and words[0] in COMMANDS:
        check_script([f'tools/{COMMANDS[words[0]]}', *words[1:]], parse)
    else:
        parse(None, words, command)


def check_torchrun(words, parse):
    from torch.distributed.run import get_args_parser

    args = get_args_parser().parse_args(words)
    check_script([args.training_script, *args.training_script_args], parse)


def check_pip(words, parse):
    from pip._internal.commands import create_command

    options, packages = create_command(words[0]).parser.parse_args(words[1:])
    assert all((ROOT / path).is_file() for path in options.constraints)
    setup = (ROOT / 'setup.py').read_text(encoding='utf-8')
    extras = re.findall(r"'(\w+)': [A-Z]+", re.search('extras_require={(.*?)}', setup, re.DOTALL)[1])
    for package in [*packages, *options.editables]:
        wanted = re.fullmatch(r'\.\[(.*)\]', package)
        assert set(wanted[1].split(',') if wanted else ()) <= set(extras)


def check_pytest(words, parse):
    paths = [word for word in words if word.startswith('tests/')]
    assert paths
    assert all((ROOT / path).exists() for path in paths)


def check_sphinx(words, parse):
    from sphinx.cmd.build import get_parser

    args = get_parser().parse_args(words)
    assert (ROOT / args.confdir / 'conf.py').is_file()


@pytest.mark.parametrize('line', inline_commands())
def test_an_inline_command_exists_and_has_its_options(line):
    program, rest = INLINE.fullmatch(line).groups()
    script = script_of(program.split()[-1])
    assert script is None or (ROOT / script).is_file()
    assert all(shipped_config(word).is_file() for word in rest.split() if word.startswith(PREFIX))
    options = set(re.findall(r'(?<![\w-])--[a-z][\w-]*', rest)) - {'--help'}
    if options:
        stock_tool = rest.split()[:1] if script == 'tools/stock.py' else []
        assert options <= options_of(script, *stock_tool)


def script_of(name):
    """The script that a command runs; nothing for what ``mmseg-gdn`` does by itself."""
    if '/' in name:
        return name
    if name in COMMANDS:
        return f'tools/{COMMANDS[name]}'
    assert name in ('mmseg-gdn', 'mmseg_gdn', 'doctor', 'run', 'where')
    return None


@cache
def options_of(*command):
    shown = subprocess.run([sys.executable, *command, '--help'], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(re.findall(r'--[a-z][\w-]*', shown.stdout))


@pytest.mark.parametrize(
    'line',
    [
        'python tools/nothing.py',
        'mmseg-gdn trian',
        'tools/test.py --no-such-option',
        'mmseg-gdn train mmseg_gdn::gdn/nothing.py',
    ],
)
def test_an_inline_command_that_does_not_exist_is_noticed(line):
    with pytest.raises(AssertionError):
        test_an_inline_command_exists_and_has_its_options(line)


CHECKS = {
    'python': check_python,
    'pip': check_pip,
    'mmseg-gdn': check_command,
    'bash': check_script,
    'torchrun': check_torchrun,
}
MODULES = {'mmseg_gdn': check_command, 'pytest': check_pytest, 'sphinx': check_sphinx}


@pytest.mark.parametrize(
    'line',
    [
        'python tools/train.py CONFIG --no-such-option',
        'python tools/test.py',
        'mmseg-gdn trian CONFIG',
        'pip install --no-such-option',
        "pip install -e '.[nothing]'",
        'python tools/gdn_sweep.py',
        'python tools/stock.py analysis_tools/get_flops',
        'unknown',
    ],
)
def test_a_command_that_does_not_fit_is_noticed(line, parse):
    with pytest.raises((SystemExit, AssertionError, KeyError)):
        test_is_tested_or_fits_its_parser(line, parse)


@pytest.mark.parametrize('script', RUN)
def test_a_test_runs_the_script(script):
    text = (ROOT / RUN[script]).read_text(encoding='utf-8')
    assert re.search(rf'\b{Path(script).stem}\b', text)


@pytest.mark.parametrize('line', ELSEWHERE)
def test_what_is_tested_elsewhere_is_on_a_page(line):
    assert (ROOT / ELSEWHERE[line]).is_file()
    assert any(shlex.split(line) == shlex.split(param.values[0]) for param in command_lines())


@pytest.mark.slow
def test_the_photographs_are_written(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(ROOT / 'benchmarks/accuracy')
    from photographs import write_photographs

    write_photographs(tmp_path)
    assert len(list((tmp_path / 'JPEGImages').iterdir())) == len(list((tmp_path / 'SegmentationClass').iterdir())) == 2
