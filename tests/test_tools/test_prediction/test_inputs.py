"""Which images are found, and how their predictions are called."""

import os
from pathlib import Path

import pytest

from mmseg_gdn.utils import InputError
from prediction.inputs import plan_outputs


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Files relative to the working directory; their content does not matter here."""
    monkeypatch.chdir(tmp_path)
    for name in (
        'photos/b.JPG',
        'photos/a.png',
        'photos/more/a.jpg',
        'photos/notes.txt',
        'photos/.hidden.jpg',
        'photos/.cache/c.jpg',
    ):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    return Path('photos')


def plan(*sources, out='out'):
    return {image.as_posix(): target.as_posix() for image, target in plan_outputs(sources, Path(out)).items()}


@pytest.mark.usefixtures('photos')
class TestFound:
    def test_folder_with_subfolders(self):
        expected = {'photos/a.png': 'out/a', 'photos/b.JPG': 'out/b', 'photos/more/a.jpg': 'out/more/a'}
        assert plan('photos') == expected
        assert plan(os.path.abspath('photos')) == {os.path.abspath(image): target for image, target in expected.items()}

    def test_results_inside_are_no_images(self):
        Path('photos/out').mkdir()
        Path('photos/out/a_overlay.jpg').touch()
        assert 'photos/out/a_overlay.jpg' not in plan('photos', out='photos/out')
        assert 'photos/out/a_overlay.jpg' in plan('photos')

    def test_results_above(self):
        assert plan('photos/more', out='.') == {'photos/more/a.jpg': 'a'}

    @pytest.mark.parametrize(
        ('pattern', 'expected'),
        [
            ('photos/*.png', {'photos/a.png': 'out/a'}),
            ('photos/**/a.*', {'photos/a.png': 'out/a', 'photos/more/a.jpg': 'out/more/a'}),
            ('ph*/more/*', {'photos/more/a.jpg': 'out/photos/more/a'}),
        ],
    )
    def test_pattern(self, pattern, expected):
        assert plan(pattern) == expected

    def test_the_same_file_twice(self):
        assert list(plan('photos', 'photos/a.png', os.path.abspath('photos/more/../a.png'))) == [
            'photos/a.png',
            'photos/b.JPG',
            'photos/more/a.jpg',
        ]

    @pytest.mark.parametrize(('name', 'target'), [('no.jpg', 'out/no'), ('v1.2.png', 'out/v1.2'), ('v1.2', 'out/v1.2')])
    def test_any_file_may_be_named(self, name, target):
        """Reading it will tell what is wrong with it."""
        assert plan(name) == {name: target}

    def test_brackets_in_names(self):
        Path('photos/[1].jpg').touch()
        assert plan('photos/[1].jpg') == {'photos/[1].jpg': 'out/[1]'}


@pytest.mark.usefixtures('photos')
class TestRefused:
    def test_equal_names(self):
        with pytest.raises(InputError, match=r'of photos/a.png and photos/more/a.jpg would both be called out/a.png'):
            plan('photos/a.png', 'photos/more/a.jpg')

    def test_folder_without_images(self):
        Path('empty').mkdir()
        with pytest.raises(InputError, match=r'The folder empty has no images; their names end in .jpg'):
            plan('empty')

    def test_pattern_without_files(self):
        with pytest.raises(InputError, match=r'No file matches photos/\*.bmp'):
            plan('photos/*.bmp')

    def test_results_among_the_images(self):
        with pytest.raises(InputError, match='cannot be put among them; choose another folder with --out'):
            plan('photos', out='photos')

    @pytest.mark.parametrize('images', [['photos/a.png'], ['photos/b.JPG', 'photos/b_overlay.jpg']])
    def test_no_image_is_replaced(self, images):
        with pytest.raises(InputError, match=r'The image photos/\w+.\w+ would be replaced by a prediction'):
            plan(*images, out='photos')

    def test_no_image_is_replaced_through_a_link(self):
        Path('link').symlink_to('photos')
        with pytest.raises(InputError, match=r'The image link/a.png would be replaced'):
            plan('photos/a.png', out='link')
