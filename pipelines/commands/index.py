"""``gorod index``: composite indices over any table of units and indicators."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines import console
from pipelines.commands.answering import Json, escaped, told

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.declarations.methods import IndexMethod
    from pipelines.indicators.index.evaluate import Evaluation
    from pipelines.indicators.index.structure import Misfit, Tree

app = typer.Typer(
    no_args_is_help=True, help="Composite indices: any method on any table of units and indicators."
)


@app.command()
@told
def methods(as_json: Json = False) -> None:
    """The methods that come with Gorod, in `assets/methods`."""
    from pipelines.declarations.methods import load_methods

    found = load_methods()
    columns = ("method", "version", "status", "valid_from", "valid_to", "title")
    rows = [
        (name, one.version, one.status, one.valid_from, one.valid_to, one.title.ru)
        for name, one in found.items()
    ]
    if as_json:
        console.as_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        console.table("", columns, rows)


@app.command()
@told
def evaluate(
    method: Annotated[Path, typer.Argument(help="The method, YAML; or the code of a shipped one.")],
    data: Annotated[Path, typer.Argument(help="Units x indicators, wide or long: CSV, Parquet, XLSX.")],
    structure: Annotated[
        Path | None,
        typer.Option(
            help="The tree (code, parent, weight, …) or settings of nodes, apart from the method; CSV or YAML."
        ),
    ] = None,
    unit_column: Annotated[
        str | None, typer.Option(help="Column of the unit; default: ref_area, uCode, or the first.")
    ] = None,
    period_column: Annotated[
        str | None, typer.Option(help="Column of the period; default: one named time_period, year, ….")
    ] = None,
    group_column: Annotated[str | None, typer.Option(help="Column of the peer group.")] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="All levels, all steps, as CSV or .parquet.")
    ] = None,
    sensitivity: Annotated[
        Path | None, typer.Option(help="Vary the method; ranges of places as CSV or .parquet.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Evaluate a method: transform, impute, normalise, weigh, aggregate, rank. See docs/indices.md."""
    from pipelines.indicators.index.evaluate import evaluate as evaluate_method
    from pipelines.indicators.index.reading import read_observations
    from pipelines.indicators.index.tables import range_table, result_table, write_table

    declared, tree = _declared(method, structure, group_column)
    peers = declared.peer_groups
    bounded = [peers.column] if peers and peers.bounds else []
    observations = read_observations(
        data,
        [*tree.columns, *bounded],
        [peers.column] if peers and not peers.bounds else [],
        unit_column,
        period_column,
        [*tree.required_columns, *bounded],
    )
    evaluation = evaluate_method(declared, observations)
    table = result_table(evaluation)
    if out is not None:
        write_table(table, out)
    if sensitivity is not None:
        from pipelines.indicators.index.sensitivity import sensitivity as vary

        write_table(range_table(evaluation, vary(evaluation)), sensitivity)
    _show(evaluation, table, as_json)
    if not as_json:
        for path in (out, sensitivity):
            if path is not None:
                console.err.print(f"written: {escaped(str(path))}")


def _declared(path: Path, structure: Path | None, group_column: str | None) -> tuple[IndexMethod, Tree]:
    """The method with what the options change of it, and its tree. What does not fit is told by its place in the files."""
    from pipelines.declarations.common import at
    from pipelines.declarations.methods import METHODS, PeerGroups, read_method
    from pipelines.indicators.index.reading import read_structure
    from pipelines.indicators.index.structure import in_structure, resolve, with_structure

    shipped = METHODS / f"{path}.yml"
    file = shipped if not path.exists() and not path.suffix and shipped.exists() else path
    method = read_method(file)
    if group_column is not None:
        known = method.peer_groups
        peers = (
            PeerGroups(column=group_column)
            if known is None
            else known.model_copy(update={"column": group_column})
        )
        method = method.model_copy(update={"peer_groups": peers})

    def where(misfit: Misfit) -> str:
        return at(file, *misfit.location)

    if structure is None:
        return method, resolve(method, where)
    rows, whole = read_structure(structure)
    changed = with_structure(method, rows, whole)
    return changed, resolve(changed, in_structure(rows, method, where))


def _show(evaluation: Evaluation, table: pa.Table, as_json: bool) -> None:
    """The root's places: the last period for a person, every period as JSON."""
    import pyarrow.compute as pc

    method, root = evaluation.method, evaluation.tree.root.code
    rows = table.filter(pc.equal(table["node"], root)).to_pylist()
    if as_json:
        names = (
            *("time_period", "unit", "score", "score_shown", "rank", "peer_group", "rank_in_group"),
            *("share_reported_weight", "share_reported_count", "reason"),
        )
        console.as_json(
            {
                "method": method.method,
                "version": method.version,
                "status": method.status,
                "node": root,
                "ranking": [{name: row[name] for name in names} for row in rows],
            }
        )
        return
    last = rows[-1]["time_period"]
    shown = sorted(
        (row for row in rows if row["time_period"] == last),
        key=lambda row: (row["rank"] is None, row["rank"] or 0, row["unit"]),
    )
    with_groups = any(row["peer_group"] for row in shown)
    columns = (
        "rank",
        "unit",
        "score",
        *(("group", "rank in group") if with_groups else ()),
        "reported",
        "reason",
    )
    console.table(
        method.title.ru + (f" · {last}" if last else ""),
        columns,
        [
            (
                _place(row["rank"]),
                row["unit"],
                None if row["score_shown"] is None else f"{row['score_shown']:.{method.decimals}f}",
                *((row["peer_group"], _place(row["rank_in_group"])) if with_groups else ()),
                f"{100 * row['share_reported_weight']:.0f} %",
                row["reason"],
            )
            for row in shown
        ],
        right=("rank", "score", "rank in group", "reported"),
    )
    periods = list(evaluation.observations.by_period)
    if len(periods) > 1:
        console.err.print(
            f"{len(periods)} periods, {periods[0]} to {periods[-1]}; all are in the file of -o and in --json"
        )
    if method.status == "example":
        console.err.print("[yellow]ПРИМЕР: методика не утверждена, веса и ориентиры условные[/]")


def _place(rank: float | None) -> str | None:
    return None if rank is None else f"{rank:g}"
