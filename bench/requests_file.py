"""Invented requests in the exact format of the portal 115.бел, as many as wanted. No row describes a real person.

``python -m bench.requests_file ROWS MONTH FILE``
"""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path

FILE_NAME = "opendata-115-{month}-01.csv"


def write(rows: int, month: str, path: Path, first_id: int = 1_000_000) -> None:
    """Write ``rows`` requests of a month (``YYYY-MM``), the same bytes each time.

    All values pass the feed's suite. Texts and distributions are like the real ones': ids that are all different,
    a few hundred themes, addresses with commas, points with eight decimals, one request in four rated.
    """
    import duckdb

    first_day = date.fromisoformat(f"{month}-01")
    with duckdb.connect() as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute(
            f"""
            copy (
                with drawn as (
                    select range as number, hash(range + {first_id}) as a, hash(range + {first_id} + 1_000_003) as b
                    from range({rows})
                )
                select
                    {first_id} + number as id,
                    (1 + a % 14)::VARCHAR || '.' || (1 + a // 14 % 380)::VARCHAR as category,
                    case when a % 3 > 0 then a // 1000 % 900_000 end as author,
                    case when a % 3 > 0 then
                        ['Анна', 'Иван', 'Ольга', 'Пётр', 'Мария', 'Алесь'][(1 + a // 7 % 6)::INT] end as name,
                    ['улица Примерная', 'проспект Образцовый', 'Пробная улица', 'переулок Условный'][(1 + b % 4)::INT]
                        || ', ' || (1 + b // 4 % 150)::VARCHAR
                        || case when b % 5 = 0 then ' к' || (1 + b // 20 % 4)::VARCHAR else '' end as address,
                    ('53.' || (83_000_000 + a // 1000 % 15_000_000)::VARCHAR) as lat,
                    ('27.' || (40_000_000 + b // 1000 % 30_000_000)::VARCHAR) as lng,
                    [1, 3, 4, 5, 5, 5, 5, 7][(1 + b // 3 % 8)::INT] as status,
                    case when b % 4 = 0 then 1 + a // 3 % 5 else 0 end as rating,
                    strftime(DATE '{first_day}' + (a // 11 % 28)::INT, '%Y-%m-%d %Y') as opened,
                    DATE '{first_day}' + (a // 11 % 28)::INT + (b // 13 % 200)::INT as planned,
                    100 + a // 17 % 80 as organisation_id
                from drawn
            ) to '{path}' (format csv, header)
            """
        )


if __name__ == "__main__":
    write(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
    print(json.dumps({"bytes": Path(sys.argv[3]).stat().st_size}))
