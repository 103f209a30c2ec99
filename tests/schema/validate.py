"""validate.py RECIPE_SCHEMA SCHEMA SOURCE - recipes against the schema of recipes.

Every file of a recipe that the reader takes must be valid: those of the cases of
tests/recipes that have a plan, of tests/keys and of recipes/. Of those that the
reader refuses, those named in `refused` are refused by the schema too; what is wrong with
the others cannot be seen without programs, tables or other places of the recipe.
"""
import glob
import json
import os
import subprocess
import sys

from jsonschema import Draft202012Validator

READER, SCHEMA, SOURCE = sys.argv[1:]


def as_json(path):
    """The file as the reader sees it, or None where it is no YAML of ours."""
    p = subprocess.run([READER, "json", path], capture_output=True, text=True)
    return json.loads(p.stdout) if p.returncode == 0 else None


def story(path, error):
    where = "/".join(str(x) for x in error.absolute_path)
    return f"{os.path.relpath(path, SOURCE)}: {where}: {error.message[:200]}"


def main():
    with open(SCHEMA) as f:
        schema = json.load(f)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    failures, n = [], 0

    cases = os.path.join(SOURCE, "tests", "recipes")
    good = glob.glob(os.path.join(SOURCE, "recipes", "**", "*.yaml"), recursive=True)
    good += glob.glob(os.path.join(SOURCE, "tests", "keys", "project", "*.yaml"))
    for plan in glob.glob(os.path.join(cases, "*", "plan")):
        good += glob.glob(os.path.join(os.path.dirname(plan), "**", "*.yaml"), recursive=True)
    for path in sorted(good):
        n += 1
        recipe = as_json(path)
        failures += [story(path, e) for e in validator.iter_errors(recipe)]

    with open(os.path.join(os.path.dirname(__file__), "refused")) as f:
        refused = f.read().split()
    for name in refused:
        path = os.path.join(cases, name, "larder.yaml")
        recipe = as_json(path)
        if recipe is None or validator.is_valid(recipe):
            failures.append(f"{name}: the schema takes it, or it is no YAML")

    print(f"{n} recipes valid, {len(refused)} refused")
    print("\n".join(failures))
    sys.exit(bool(failures) or n < 40)


main()
