"""The notebooks are stored without outputs, and run without a warning where `make demo` was run, and on MySQL."""

import os
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from sqlalchemy import Engine, create_engine, insert, select
from sqlalchemy.engine import make_url

from gans.tables import metadata
from local import demo

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request: pytest.FixtureRequest) -> NotebookNode:
    return nbformat.read(request.param, as_version=nbformat.NO_CONVERT)


@pytest.fixture(scope="session")
def checkout(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which `make demo` was run, as far as a notebook can see."""
    folder = _empty(tmp_path_factory.mktemp("checkout"))
    shutil.copytree(demo_folder, folder / demo.FOLDER)
    return folder


def _empty(folder: Path) -> Path:
    (folder / "pyproject.toml").touch()
    (folder / "notebooks").mkdir()
    return folder


def _fill(engine: Engine, checkout: Path) -> None:
    source = create_engine(f"sqlite:///{checkout}/data/demo/gans.db")
    with source.connect() as there, engine.begin() as here:
        for table in metadata.sorted_tables:
            if table.name not in ("countries", "weather_conditions"):
                rows = [dict(row) for row in there.execute(select(table)).mappings()]
                here.execute(insert(table), rows) if rows else None
    source.dispose()


def _run(notebook: NotebookNode, folder: Path, **settings: str) -> list[Any]:
    """Runs each cell as JupyterLab does, in the notebooks' folder; every warning is an error.

    Returns:
        The code cells, with their outputs.
    """
    strict = nbformat.v4.new_code_cell("import warnings\n\nwarnings.simplefilter('error')", id="strict")
    notebook.cells.insert(0, strict)
    left_out = ("GANS_", "MPLBACKEND")  # Streamlit, once imported, sets the latter for all that follow
    environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    environment |= {"IPYTHONDIR": str(folder / "ipython"), **settings}
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder / "notebooks"}})
    client.execute(env=environment)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_three() -> None:
    assert [path.name[:2] for path in NOTEBOOKS] == ["1_", "2_", "3_"]


def test_it_is_stored_clean(notebook: NotebookNode) -> None:
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    for cell in notebook.cells:
        assert not cell.metadata
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


def test_it_begins_with_how_to_run_it(notebook: NotebookNode) -> None:
    introduction = notebook.cells[0].source
    assert all(
        word in introduction for word in ("make demo", "make notebooks", "GANS_DATABASE_URL", "GANS_DATABASE_SECRET", "simulated")
    )


@pytest.mark.databases("sqlite", "mysql")
def test_it_runs(notebook: NotebookNode, checkout: Path, engine: Engine, database: str, database_url: str) -> None:
    settings = {}
    if database != "sqlite":  # the demo's own: without any setting
        _fill(engine, checkout)
        settings["GANS_DATABASE_URL"] = make_url(database_url).render_as_string(hide_password=False)
    for cell in _run(notebook, checkout, **settings):
        assert [output for output in cell.outputs if output.get("name") == "stderr"] == [], cell.source
        shown = [kind for output in cell.outputs for kind in output.get("data", {})]
        assert ("image/png" in shown) == ("plt.show()" in cell.source), cell.source


def test_without_the_demo_it_says_what_to_do(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOKS[0], as_version=nbformat.NO_CONVERT)
    with pytest.raises(CellExecutionError, match=r"There is no database data/demo/gans\.db.*`gans demo`"):
        _run(notebook, _empty(tmp_path))
