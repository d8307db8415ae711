"""The metafile agrees with the configs."""

import pytest
import yaml

from .config_files import FOLDER, read

MODELS = yaml.safe_load((FOLDER / 'metafile.yaml').read_text())['Models']


@pytest.mark.parametrize('model', MODELS, ids=[model['Name'] for model in MODELS])
def test_an_entry_describes_its_config(model):
    path = FOLDER / f'{model["Name"]}.py'
    assert model['Config'] == f'configs/gdn/{path.name}'
    cfg = read(path)
    batch = cfg.train_dataloader.batch_size * cfg.optim_wrapper.get('accumulative_counts', 1)
    assert model['Metadata']['Batch Size'] == batch
    assert ('GDN' in model['Metadata']['Architecture']) == (cfg.model.decode_head.type == 'GlobalInterpHead')


def test_all_recipes_of_caffe_have_an_entry():
    recipes = {
        path.stem
        for path in FOLDER.glob('*.py')
        if path.stem.startswith(('fcn32s', 'deeplab-')) and read(path).get('train_dataloader')
    }
    assert recipes <= {model['Name'] for model in MODELS}
