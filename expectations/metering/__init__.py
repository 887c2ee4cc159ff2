"""What must hold of the metering of electricity, heat and water."""

from typing import Any

from expectations.vocabulary import in_set, required, rule

RESOURCES = ("electricity", "heat", "water")
KINDS = ("household", "other")

# the metering points that the register in force knows, of any month
REGISTERED = (
    "select meter_id, resource, consumer_kind, bool_or(is_smart) as is_smart from raw.metering__meters "
    "join ops.effective_load using (load_id) where instance = $instance group by meter_id, resource, consumer_kind"
)


def of_resource() -> list[Any]:
    """The resource is known."""
    return [required("resource"), in_set("resource", RESOURCES)]


def in_its_unit() -> Any:
    """The amount is in the unit of its resource; nothing is converted silently."""
    return rule(
        "unit is not null "
        "and unit = case resource when 'electricity' then 'kWh' when 'heat' then 'Gcal' when 'water' then 'm3' end",
        columns=["unit", "resource"],
        name="unit_fits_resource",
        dimension="consistency",
        says="Электроэнергия указана в kWh, тепло в Gcal, вода в m3.",
        remedy="Передайте величину в этой единице и назовите её в столбце unit.",
        mostly=0.95,
    )
