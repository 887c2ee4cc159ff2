"""``gorod export``: data products made from a publication."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pipelines import console
from pipelines.commands.answering import Json, escaped, handle_errors
from pipelines.settings import get_settings

app = typer.Typer(
    no_args_is_help=True,
    help="Data products from the current publication: SDMX, FIWARE, a data package, methodology pages.",
)

Out = Annotated[
    Path, typer.Option("-o", "--out", help="Folder in which the product's own folder is created.")
]
Region = Annotated[str | None, typer.Option(help="Only this region's rows, e.g. BY-BR.")]
From = Annotated[
    Path | None,
    typer.Option("--from", help="A published gorod.duckdb other than the current publication's."),
]


@app.command()
@handle_errors
def sdmx(out: Out, region: Region = None, from_: From = None, as_json: Json = False) -> None:
    """SDMX 2.1 structure and SDMX-CSV data."""
    _export(["sdmx"], out, region, from_, as_json)


@app.command()
@handle_errors
def fiware(out: Out, region: Region = None, from_: From = None, as_json: Json = False) -> None:
    """NGSI-LD entities KeyPerformanceIndicator, a file for each region and one for the country."""
    _export(["fiware"], out, region, from_, as_json)


@app.command()
@handle_errors
def datapackage(out: Out, region: Region = None, from_: From = None, as_json: Json = False) -> None:
    """All tables as CSV with a tabular data package."""
    _export(["datapackage"], out, region, from_, as_json)


@app.command()
@handle_errors
def methodology(out: Out, region: Region = None, from_: From = None, as_json: Json = False) -> None:
    """A page for each indicator, framework, index and table, in Russian, Belarusian and English."""
    _export(["methodology"], out, region, from_, as_json)


@app.command("all")
@handle_errors
def everything(out: Out, region: Region = None, from_: From = None, as_json: Json = False) -> None:
    """All products."""
    _export([], out, region, from_, as_json)


def _export(products: list[str], out: Path, region: str | None, from_: Path | None, as_json: bool) -> None:
    """Make the named products, or all."""
    from pipelines.outputs import refuse_own_state
    from pipelines.publishing.exports.product import SYNTHETIC
    from pipelines.publishing.exports.products import export

    refuse_own_state(out, get_settings())
    done = export(get_settings(), out, products, region=region, file=from_)
    if as_json:
        console.as_json([asdict(one) for one in done])
        return
    console.table(
        f"Publication {done[0].publication_id}",
        ("product", "files", "bytes", "folder"),
        [(one.product, len(one.files), sum(file.bytes for file in one.files), one.folder) for one in done],
        right=("files", "bytes"),
    )
    if done[0].synthetic:
        console.out.print(f"[yellow]{escaped(SYNTHETIC)}[/]")
