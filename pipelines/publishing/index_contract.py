"""The contract ``published.pub_index_value_v1``: shipped methods on the published indicator values.

An index is computed only from what readers see, so anybody can recompute it, and what is under
embargo cannot leak through it.
"""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa

from pipelines.errors import GorodError
from pipelines.publishing.index_values import COLUMNS, READ, evaluate_methods
from pipelines.warehouse.tables import comment, contracts_schema, replace_rows

TABLE = "published.pub_index_value_v1"
VALUES, TERRITORIES = "pub_indicator_value_v1", "pub_territory_v1"
DESCRIPTION = (
    "Composite indices with all their levels, from the leaves to the root, by the declared methods. / "
    "Сводные индексы со всеми уровнями."
)

# name -> description; order and types are those of COLUMNS
DESCRIPTIONS: dict[str, str] = {
    "index_method": "Code of the method. / Код методики индекса.",
    "method_version": "Version of the method. / Версия методики.",
    "method_status": "official, published or example: an example must not be used. / Статус методики; example - только пример.",
    "ref_area": "Code of the territory. / Код территории.",
    "level": "Level of the territories that are compared. / Уровень сравниваемых территорий.",
    "region": "Region that the territory belongs to. / Область территории.",
    "freq": "Frequency: A, S, Q, M. / Периодичность.",
    "time_period": "Period, as SDMX writes it. / Период.",
    "node": "Node of the method's tree. / Узел индекса.",
    "parent": "The node above; empty: the index itself. / Узел выше; пусто - сам индекс.",
    "node_level": "0 for leaves, the greatest for the index. / Уровень узла: 0 - показатель.",
    "indicator": "Indicator of a leaf. / Показатель, если узел - лист.",
    "given_value": "Value of the indicator. / Значение показателя.",
    "transformed_value": "Value after the transformations. / Значение после преобразований.",
    "imputed": "What stands in for a missing value. / Чем восполнен пропуск.",
    "normalised_value": "Value on the common scale. / Нормированное значение.",
    "weight": "Weight as declared. / Вес по методике.",
    "weight_effective": "Weight after leaving out what is not reported. / Вес после исключения непредставленного.",
    "score": "Score of the node. / Балл узла.",
    "score_shown": "Score rounded as the method says. / Округлённый балл.",
    "share_reported_weight": "Share of the weights that is reported, 0 to 1. / Доля представленного по весам.",
    "share_reported_count": "Share of the leaves that is reported, 0 to 1. / Доля представленных показателей.",
    "place": "Rank; ties by the rule of the method. / Место.",
    "peer_group": "Group of comparable territories. / Группа сопоставимых территорий.",
    "place_in_group": "Rank within the group. / Место в группе.",
    "obs_status": "Status of the least sure figure behind it. / Статус наименее надёжного значения.",
    "reason": "Why there is no score. / Почему балла нет.",
    "synthetic": "True if any figure behind it is invented. / Есть ли вымышленные данные.",
}

ARROW = {
    "text": pa.string(),
    "integer": pa.int32(),
    "decimal": pa.decimal128(24, 6),
    "boolean": pa.bool_(),
}


def publish_index(connection: duckdb.DuckDBPyConnection, build: str, schema: str | None = None) -> int:
    """Recompute the contract from the published values of ``build``; return the number of rows.

    Args:
        connection: to a database with the contracts in ``schema``; by default, where dbt builds them.
        build: dbt invocation that made these values; recorded so that a publication can check that both belong together.

    Raises:
        GorodError: the values have not been built.
        DeclarationError: a method is invalid.
    """
    schema = schema or contracts_schema(connection)
    rows = evaluate_methods(published_values(connection, schema))
    table = f"{schema}.{TABLE.split('.')[1]}"
    arrow = pa.Table.from_pylist(
        [{name: row[name] for name in COLUMNS} for row in rows],
        schema=pa.schema([(name, ARROW[kind]) for name, kind in COLUMNS.items()]),
    )
    connection.begin()
    connection.execute(f"create schema if not exists {schema}")
    connection.register("incoming_index", arrow)
    replace_rows(connection, table, "incoming_index")
    connection.unregister("incoming_index")
    comment(connection, f"table {table}", DESCRIPTION)
    for name, text in DESCRIPTIONS.items():
        comment(connection, f"column {table}.{name}", text)
    connection.execute("insert into ops.index_build values (?, now(), ?)", [build, len(rows)])
    connection.commit()
    return len(rows)


def published_values(
    connection: duckdb.DuckDBPyConnection, schema: str | None = None
) -> list[dict[str, Any]]:
    """The totals of all published values with their territory's level and region."""
    schema = schema or contracts_schema(connection)
    columns = ", ".join(
        f"territories.{name}" if name in ("level", "region") else f"figures.{name}" for name in READ
    )
    try:
        rows = connection.execute(
            f"select {columns} from {schema}.{VALUES} as figures inner join {schema}.{TERRITORIES} as territories"
            " on figures.ref_area = territories.ref_area where figures.breakdown = '_T'"
        ).to_arrow_table()
    except duckdb.CatalogException as error:
        raise GorodError(
            "there are no published values to compute an index from", "Build them: gorod run."
        ) from error
    return list(rows.to_pylist())


def newest_build(connection: duckdb.DuckDBPyConnection) -> str:
    """Invocation of the newest complete and successful dbt build.

    Raises:
        GorodError: there is none.
    """
    row = connection.execute(
        "select max_by(invocation_id, build_no) from ops.build_state where ok and whole"
    ).fetchone()
    if row is None or row[0] is None:
        raise GorodError("the marts have not been built as a whole, and soundly", "Build them: gorod run.")
    return str(row[0])
