"""The wheel in an environment outside any clone: training, testing, predicting, and what messages name."""

import json
import re
import signal
import subprocess
from urllib.request import urlopen

import pytest

from .conftest import ROOT, plain_environment

pytestmark = pytest.mark.slow

CONFIG = """
_base_ = 'mmseg_gdn::gdn/demo_gdn.py'
data = dict(batch_size=2, num_workers=0, persistent_workers=False, dataset=dict(data_root='drawn/VOC2012'))
train_dataloader = data
val_dataloader = dict(data, batch_size=1)
test_dataloader = val_dataloader
train_cfg = dict(max_iters=2, val_interval=2)
"""


@pytest.fixture(scope='module')
def trained(run):
    """The config and the checkpoint of a training of two iterations."""
    run('mmseg-gdn', 'synthetic-voc', 'drawn/VOC2012', '--train', 4, '--val', 2, '--test', 1)
    (run.folder / 'mine.py').write_text(CONFIG)
    run('mmseg-gdn', 'train', 'mine.py', '--work-dir', 'trained')
    return 'mine.py', 'trained/iter_2.pth'


def test_nothing_of_the_clone_is_used(run, environment):
    where = run('mmseg-gdn', 'where').stdout.strip()
    assert where.startswith(str(environment.parent))
    assert where.endswith('mmseg_gdn/.mim')
    report = run('python', '-m', 'mmseg_gdn').stdout
    assert str(ROOT) not in report
    assert 'mmseg-gdn get-voc' in report


def test_two_iterations_of_training_and_a_test(run, trained):
    config, checkpoint = trained
    (log,) = (run.folder / 'trained').glob('*/vis_data/scalars.json')
    losses = [line['loss'] for line in map(json.loads, log.read_text().splitlines()) if 'loss' in line]
    assert losses
    run('mmseg-gdn', 'test', config, checkpoint, '--work-dir', 'tested', '--submission', 'out.tar.gz')
    checked = run('mmseg-gdn', 'check-submission', 'out.tar.gz').stdout
    assert checked.endswith('2 predictions, 0 defects\n')


def test_the_network_that_comes_along_predicts(run, trained):
    photo, *_ = sorted((run.folder / 'drawn/VOC2012/JPEGImages').glob('*.jpg'))
    run('mmseg-gdn', 'predict', photo)
    assert (run.folder / 'predictions' / f'{photo.stem}.png').is_file()


def test_the_demo_page_opens(run, environment):
    pytest.importorskip('gradio', reason='needs Gradio, the extra demo')
    with subprocess.Popen(
        [environment / 'mmseg-gdn', 'demo-page', '--port', '0', '--device', 'cpu'],
        cwd=run.folder,
        env=plain_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as page:
        line = next((line for line in page.stdout if line.startswith('The page is at')), '')
        address = re.search(r'http://127\.0\.0\.1:\d+', line)
        text = urlopen(address[0], timeout=120).read().decode() if address else ''
        page.send_signal(signal.SIGINT)
        _, errors = page.communicate(timeout=120)
    assert 'bilinear and GDN' in text, errors
    assert page.returncode == 130


def test_a_variant_of_a_stock_config(run):
    text = run('mmseg-gdn', 'variant', 'mmseg::fcn/fcn_r50-d8_4xb4-20k_voc12aug-512x512.py').stdout
    assert "type='GlobalInterpHead'" in text


def test_messages_name_what_is_there(run):
    missing = run('mmseg-gdn', 'train', 'mmseg_gdn::gdn/fcn_mobilenet-v2_gdn_voc12aug.py', status=1).stderr
    assert 'mmseg-gdn get-voc' in missing
    assert 'tools/' not in missing
    unknown = run('mmseg-gdn', 'train', 'nothing.py', status=1).stderr
    assert 'mmseg_gdn/.mim/configs/gdn' in unknown
    assert 'mmseg-gdn predict' in run('mmseg-gdn', 'compare', '--help').stdout


def test_stock_tools_and_scripts_run(run, trained):
    config, _ = trained
    assert 'Flops: ' in run('mmseg-gdn', 'stock', 'analysis_tools/get_flops', config, '--shape', 128, 128).stdout
    (run.folder / 'infer.py').write_text(
        'from mmseg.apis import MMSegInferencer\n'
        "print(type(MMSegInferencer('fcn_r50-d8_gdn_voc12aug', device='cpu').model.decode_head).__name__)\n"
    )
    assert 'GlobalInterpHead' in run('python', '-m', 'mmseg_gdn', 'run', 'infer.py').stdout
