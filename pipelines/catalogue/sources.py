"""The declared sources as rows of ``catalogue``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from pipelines.catalogue.common import Rows, titles
from pipelines.declarations.sources import Source

# name -> columns with their types; the order is the order of the columns
SOURCE_TABLES: dict[str, dict[str, str]] = {
    "source": {
        "source": "text",
        "title_ru": "text",
        "title_be": "text",
        "title_en": "text",
        "owner": "text",
        "address": "text",
        "licence": "text",
        "attribution": "text",
    },
    "feed": {
        "source": "text",
        "feed": "text",
        "title_ru": "text",
        "title_be": "text",
        "title_en": "text",
        "cadence": "text",
        "expected_within_days": "integer",
        "empty_delivery": "text",
        "counted": "text",
        "provides": "text",
        "licence": "text",
        "attribution": "text",
    },
    "instance": {
        "source": "text",
        "instance": "text",
        "ref_area": "text",
        "title_ru": "text",
        "title_be": "text",
        "title_en": "text",
    },
    "control_total": {
        "source": "text",
        "feed": "text",
        "instance": "text",
        "period_from": "date",
        "period_to": "date",
        "expected_rows": "bigint",
        "reference": "text",
    },
}


def source_rows(sources: Mapping[str, Source]) -> dict[str, Rows]:
    """Rows of ``source``, ``feed``, ``instance``, ``control_total``.

    A feed without its own licence and attribution inherits those of its source.
    """
    tables: dict[str, Rows] = {"source": [], "feed": [], "instance": [], "control_total": []}
    for code, source in sources.items():
        tables["source"].append(
            {
                "source": code,
                **titles(source.title),
                "owner": source.owner,
                "address": source.public_origin.address,
                "licence": source.public_origin.licence,
                "attribution": source.public_origin.attribution,
            }
        )
        for instance, about in source.instances.items():
            tables["instance"].append(
                {"source": code, "instance": instance, "ref_area": about.ref_area, **titles(about.title)}
            )
        for name, feed in source.feeds.items():
            origin = feed.public_origin or source.public_origin
            tables["feed"].append(
                {
                    "source": code,
                    "feed": name,
                    **titles(feed.title),
                    "cadence": feed.cadence,
                    "expected_within_days": feed.freshness and feed.freshness.expected_within_days,
                    "empty_delivery": feed.empty_delivery,
                    "counted": feed.counted,
                    "provides": feed.provides,
                    "licence": origin.licence,
                    "attribution": origin.attribution,
                }
            )
            tables["control_total"] += [
                {
                    "source": code,
                    "feed": name,
                    "instance": total.instance,
                    "period_from": date.fromisoformat(total.period_from),
                    "period_to": date.fromisoformat(total.period_to),
                    "expected_rows": total.rows,
                    "reference": total.reference,
                }
                for total in feed.control_totals
            ]
    return tables
