from dataclasses import replace
from pathlib import Path

import pytest

import processing.training.recipe as recipe_module
from processing.training.recipe import load_recipe


def test_the_shipped_recipe_loads_and_has_a_stable_digest():
    path = Path(recipe_module.__file__).with_name("recipe.toml")
    recipe = load_recipe(path)
    assert recipe.digest() == load_recipe(path).digest()
    assert recipe.digest() != replace(recipe, seed=recipe.seed + 1).digest()
    assert {source.name for source in recipe.sources} >= {"eastasia", "massachusetts"}


def test_a_misspelt_key_is_refused(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text('name = "a"\nlearning_rat = 1\n[[sources]]\nname = "b"\nweight = 1.0\ngsd_m = 0.5\n')
    with pytest.raises(ValueError, match="learning_rat"):
        load_recipe(path)


def test_a_recipe_without_sources_is_refused(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text('name = "a"\n')
    with pytest.raises(ValueError, match="no sources"):
        load_recipe(path)


def test_a_run_may_be_lengthened_but_not_taught_otherwise():
    recipe = load_recipe(Path(recipe_module.__file__).with_name("recipe.toml"))
    assert replace(recipe, steps=recipe.steps + 1, minutes=None, threads=8).digest() == recipe.digest()
    assert replace(recipe, learning_rate=1e-5).digest() != recipe.digest()
