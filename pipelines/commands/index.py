"""``gorod index``: composite indices over any table of units and indicators."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines import console
from pipelines.commands.answering import Json, escaped, handle_errors
from pipelines.settings import get_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from pipelines.declarations.methods import IndexMethod
    from pipelines.indices.evaluate import Evaluation
    from pipelines.indices.structure import Tree, TreeProblem

app = typer.Typer(
    no_args_is_help=True, help="Composite indices: any method on any table of units and indicators."
)


@app.command()
@handle_errors
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
@handle_errors
def evaluate(
    method: Annotated[
        Path, typer.Argument(help="The method: a YAML file, or the code of one that comes with Gorod.")
    ],
    data: Annotated[Path, typer.Argument(help="Units x indicators, wide or long: CSV, Parquet, XLSX.")],
    structure: Annotated[
        Path | None,
        typer.Option(
            help="The tree (code, parent, weight, …) or settings of nodes in a separate file: CSV, XLSX, YAML."
        ),
    ] = None,
    unit_column: Annotated[
        str | None, typer.Option(help="Column of the unit; default: ref_area, uCode, or the first.")
    ] = None,
    period_column: Annotated[
        str | None, typer.Option(help="Column of the period; default: time_period, year or similar.")
    ] = None,
    group_column: Annotated[str | None, typer.Option(help="Column of the peer group.")] = None,
    sheet: Annotated[
        str | None, typer.Option(help="Sheet of the data workbook; default: the first visible one.")
    ] = None,
    decimal_comma: Annotated[
        bool, typer.Option("--decimal-comma", help="Read 1,234 in the data or structure as 1.234, not 1234.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write all levels and steps as .csv or .parquet.")
    ] = None,
    sensitivity: Annotated[
        Path | None, typer.Option(help="Vary the method and write the ranges of ranks as .csv or .parquet.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Evaluate a method: transform, impute, normalise, weight, aggregate, rank. See docs/indices.md.

    What cannot be read is an error that names the cell; what is ambiguous is reported as a note. An output replaces only
    an earlier result, never an input or another file.
    """
    from pipelines.indices.evaluate import evaluate as evaluate_method
    from pipelines.indices.reading import read_observations
    from pipelines.indices.tables import range_table, refuse_another_file, result_table, write_table
    from pipelines.outputs import refuse_to_overwrite

    notes: list[str] = []

    def add_note(note: str) -> None:
        notes.append(note)
        if not as_json:
            console.err.print(f"[yellow]note:[/] {escaped(note)}")

    file = _method_file(method)
    inputs = {data: "the data", file: "the method", **({structure: "the structure"} if structure else {})}
    for output in (out, sensitivity):
        if output is not None:
            refuse_to_overwrite(output, inputs, get_settings())
            refuse_another_file(output)
            inputs[output] = "the other output"
    declared, tree = _declared(file, structure, group_column, decimal_comma, add_note)
    peers = declared.peer_groups
    bounded = [peers.column] if peers and peers.bounds else []
    observations = read_observations(
        data,
        [*tree.columns, *bounded],
        [peers.column] if peers and not peers.bounds else [],
        unit_column,
        period_column,
        [*tree.required_columns, *bounded],
        sheet=sheet,
        decimal_comma=decimal_comma,
        add_note=add_note,
    )
    evaluation = evaluate_method(declared, observations)
    table = result_table(evaluation)
    if out is not None:
        write_table(table, out)
    if sensitivity is not None:
        from pipelines.indices.sensitivity import sensitivity as vary

        write_table(range_table(evaluation, vary(evaluation)), sensitivity)
    _show(evaluation, table, notes if as_json else None)
    if not as_json:
        for path in (out, sensitivity):
            if path is not None:
                console.err.print(f"written: {escaped(str(path))}")


def _method_file(given: Path) -> Path:
    """The file of a method, named by its path or by the code of one that comes with Gorod.

    Raises:
        DeclarationError: there is neither, or it is a table.
    """
    from pipelines.declarations.common import nearest
    from pipelines.declarations.methods import METHODS
    from pipelines.errors import DeclarationError

    shipped = METHODS / f"{given}.yml"
    if given.exists():
        if given.suffix.lower() in (".csv", ".xlsx", ".parquet"):
            raise DeclarationError(
                f"{given}: is a table, not a method", "Name the method first, then the data."
            )
        return given
    if given.suffix or shipped.exists():
        return shipped if not given.suffix else given
    codes = [path.stem for path in METHODS.glob("*.yml")]
    raise DeclarationError(
        f"{given}: cannot be read: neither a file nor a method of Gorod has this name; {nearest(str(given), codes)}",
        "List the methods of Gorod: gorod index methods",
    )


def _declared(
    file: Path,
    structure: Path | None,
    group_column: str | None,
    decimal_comma: bool,
    add_note: Callable[[str], None],
) -> tuple[IndexMethod, Tree]:
    """The method, changed by the options, and its tree. Problems are reported with their place in the files."""
    from pipelines.declarations.common import at
    from pipelines.declarations.methods import PeerGroups, read_method
    from pipelines.indices.reading import read_structure
    from pipelines.indices.structure import in_structure, resolve, with_structure

    method = read_method(file)
    if group_column is not None:
        known = method.peer_groups
        peers = (
            PeerGroups(column=group_column)
            if known is None
            else known.model_copy(update={"column": group_column})
        )
        method = method.model_copy(update={"peer_groups": peers})

    def where(tree_problem: TreeProblem) -> str:
        return at(file, *tree_problem.location)

    if structure is None:
        return method, resolve(method, where)
    rows, whole = read_structure(structure, add_note, decimal_comma)
    changed = with_structure(method, rows, whole)
    return changed, resolve(changed, in_structure(rows, method, where))


def _show(evaluation: Evaluation, table: pa.Table, notes: list[str] | None) -> None:
    """The ranking: of the last period as a table, of all periods with the notes as JSON."""
    import pyarrow.compute as pc

    method, root = evaluation.method, evaluation.tree.root.code
    rows = table.filter(pc.equal(table["node"], root)).to_pylist()
    if notes is not None:
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
                "notes": notes,
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
            f"{len(periods)} periods, {periods[0]} to {periods[-1]}; all of them: -o FILE or --json"
        )
    if method.status == "example":
        console.err.print("[yellow]ПРИМЕР: методика не утверждена, веса и ориентиры условные[/]")


def _place(rank: float | None) -> str | None:
    return None if rank is None else f"{rank:g}"
