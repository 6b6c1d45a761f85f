import pytest

from processing.errors import LabelsInvalid
from processing.training.data_folder import fine_tuning_recipe, source_folder, source_names
from tests.processing.training.labelled_folder import write_coco

ROOFS = {"a.png": [(10, 10, 30, 30)]}


def test_a_folder_of_labels_is_one_source(tmp_path):
    mine = write_coco(tmp_path / "mine", ROOFS)
    assert source_names(mine) == ["mine"]
    assert source_folder(mine, "mine") == mine


def test_a_folder_of_folders_is_several_and_others_are_passed_over(tmp_path):
    for name in ("west", "east"):
        write_coco(tmp_path / name, ROOFS)
    (tmp_path / "notes").mkdir()
    assert source_names(tmp_path) == ["east", "west"]
    assert source_folder(tmp_path, "east") == tmp_path / "east"


def test_no_labels_are_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(LabelsInvalid, match="annotations"):
            source_names(folder)


def test_the_recipe_for_own_labels_takes_the_ground_sampling_distance_from_the_images(tmp_path):
    mine = write_coco(tmp_path / "mine", ROOFS, gsd_m=0.2)
    recipe = fine_tuning_recipe(mine)
    assert [(source.name, source.gsd_m) for source in recipe.sources] == [("mine", 0.2)]
    assert recipe.is_fine_tuning
    unknown = write_coco(tmp_path / "unknown", ROOFS, gsd_m=None)
    with pytest.raises(LabelsInvalid, match="--gsd"):
        fine_tuning_recipe(unknown)
    assert fine_tuning_recipe(unknown, 0.3).sources[0].gsd_m == 0.3
