"""A GTFS zip as the objects of a month: which days each trip runs, which stops it calls at, how far and how fast.

The tables are read by the rules of ``kind: gtfs``; an invalid row becomes a separate row with ``broken``. Trips with
a missing reference, or whose times go back, are objects with that fault, and have no other figures.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from pipelines.declarations.columns import Column
from pipelines.declarations.feeds import Feed
from pipelines.declarations.files import GtfsFormat
from pipelines.deliveries import Delivery
from pipelines.errors import DeliveryError, Reason
from pipelines.formats import gtfs
from pipelines.sql import literal

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# table -> whether a zip may lack it, its columns, and whether those are required
TABLES: dict[str, tuple[bool, dict[str, bool]]] = {
    "stops": (False, {"stop_id": True, "stop_name": False, "stop_lat": True, "stop_lon": True, "location_type": False}),
    "routes": (False, {"route_id": True, "route_short_name": False, "route_long_name": False, "route_type": True}),
    "trips": (False, {"route_id": True, "service_id": True, "trip_id": True, "direction_id": False, "shape_id": False}),
    "stop_times": (
        False,
        {"trip_id": True, "arrival_time": True, "departure_time": True, "stop_id": True, "stop_sequence": True,
         "pickup_type": False},
    ),
    "calendar": (
        True,
        {"service_id": True, **dict.fromkeys(WEEK, True),
         "start_date": True, "end_date": True},
    ),
    "calendar_dates": (True, {"service_id": True, "date": True, "exception_type": True}),
    "frequencies": (True, {"trip_id": True, "start_time": True, "end_time": True, "headway_secs": True}),
    "shapes": (True, {"shape_id": True, "shape_pt_lat": True, "shape_pt_lon": True, "shape_pt_sequence": True}),
}  # fmt: skip

MACROS = """
create macro seconds(text) as case when regexp_full_match(text, '[0-9]{1,3}:[0-5][0-9]:[0-5][0-9]')
    then split_part(text, ':', 1)::BIGINT * 3600 + split_part(text, ':', 2)::BIGINT * 60 + split_part(text, ':', 3)::BIGINT end;
create macro day(text) as case when regexp_full_match(text, '[0-9]{8}') then try_strptime(text, '%Y%m%d')::DATE end;
-- great-circle distance in kilometres, by the mean radius of the Earth
create macro km(lat_a, lon_a, lat_b, lon_b) as 2 * 6371.0088 * asin(sqrt(
    sin(radians(lat_b - lat_a) / 2) ** 2
    + cos(radians(lat_a)) * cos(radians(lat_b)) * sin(radians(lon_b - lon_a) / 2) ** 2));
create macro written(number) as round(number, 3)::DECIMAL(18, 3)::VARCHAR;
create macro mode_of(kind) as case
    when kind in (0, 5) or kind between 900 and 999 then 'tram'
    when kind = 1 or kind between 400 and 499 then 'metro'
    when kind in (2, 12) or kind between 100 and 199 then 'rail'
    when kind = 3 or kind between 200 and 299 or kind between 700 and 799 then 'bus'
    when kind = 11 or kind = 800 then 'trolleybus'
    when kind = 4 or kind between 1000 and 1099 or kind = 1200 then 'ferry'
    else 'other' end;
"""

# Invalid rows, by table: condition, and what was expected.
CANNOT_BE = {
    "stop_times": [
        ("seconds(coalesce(arrival_time, '0:00:00')) is null or seconds(coalesce(departure_time, '0:00:00')) is null",
         "время вида ЧЧ:ММ:СС, после полуночи больше 24:00:00"),
        ("try_cast(stop_sequence as INTEGER) is null", "stop_sequence – целое число"),
    ],
    "stops": [("coalesce(location_type, '0') = '0'"
               " and (try_cast(stop_lat as DOUBLE) is null or try_cast(stop_lon as DOUBLE) is null"
               " or abs(try_cast(stop_lat as DOUBLE)) > 90 or abs(try_cast(stop_lon as DOUBLE)) > 180)",
               "широта и долгота остановки в градусах, с десятичной точкой")],
    "routes": [("try_cast(route_type as INTEGER) is null", "route_type – код вида транспорта")],
    "calendar": [("day(start_date) is null or day(end_date) is null", "дата вида ГГГГММДД"),
                 ("concat_ws('', monday, tuesday, wednesday, thursday, friday, saturday, sunday) not similar to '[01]{7}'",
                  "дни недели – 0 или 1")],
    "calendar_dates": [("day(date) is null", "дата вида ГГГГММДД"),
                       ("coalesce(exception_type, '') not in ('1', '2')", "exception_type – 1 или 2")],
    "frequencies": [("seconds(start_time) is null or seconds(end_time) is null", "время вида ЧЧ:ММ:СС"),
                    ("coalesce(try_cast(headway_secs as INTEGER), 0) <= 0", "headway_secs – целое число больше нуля")],
    "shapes": [("try_cast(shape_pt_lat as DOUBLE) is null or try_cast(shape_pt_lon as DOUBLE) is null"
                " or try_cast(shape_pt_sequence as INTEGER) is null",
                "широта, долгота и порядковый номер точки")],
}  # fmt: skip


def fill(
    connection: duckdb.DuckDBPyConnection, delivery: Delivery, feed: Feed, out: Path, first: date, last: date
) -> None:
    """Fill the table ``rows`` with the objects of the days from ``first`` to ``last``.

    Raises:
        DeliveryError: a table is missing, or is not valid CSV.
    """
    connection.execute(MACROS)
    for table in TABLES:
        _read_table(connection, delivery, feed, out, table)
    _service_days(connection, delivery, first, last)
    for statement in (STOPS, CALLED, TRIPS, RUNNING, LINES, OBJECTS):
        connection.execute(statement)
    for number, (table, (_, columns)) in enumerate(TABLES.items(), start=1):
        connection.execute(
            f"insert into rows by name select {number} * 1000000000000 + row_no as position, {literal(table)} as object, "
            f"{next(iter(columns))} as code, {_place(table)} as row_place, broken from t_{table} where broken is not null"
        )


def _read_table(
    connection: duckdb.DuckDBPyConnection, delivery: Delivery, feed: Feed, out: Path, table: str
) -> None:
    """Make ``t_<table>`` of texts, with ``broken`` for rows that mean nothing."""
    optional, columns = TABLES[table]
    declared = {
        name: Column(type="text", description="GTFS", required=required) for name, required in columns.items()
    }
    of_table = feed.model_copy(update={"columns": declared})
    path = out.with_suffix(f".{table}.parquet")
    try:
        gtfs.read(delivery, of_table, GtfsFormat(table=table, optional=optional), path, "")
        cannot = " ".join(
            f"when {condition} then {literal(problem)}" for condition, problem in CANNOT_BE.get(table, ())
        )
        connection.execute(
            f"create table t_{table} as select row_no, {', '.join(columns)}, "
            f"coalesce(parse_errors::JSON->0->>'expected', {f'case {cannot} end' if cannot else 'null'}) as broken "
            f"from read_parquet({literal(str(path))})"
        )
    finally:
        path.unlink(missing_ok=True)


def _service_days(connection: duckdb.DuckDBPyConnection, delivery: Delivery, first: date, last: date) -> None:
    """Days of the month on which each service runs, and the kinds of day: days on which the same services run."""
    found = connection.execute(
        "select (select count(*) from t_calendar) + (select count(*) from t_calendar_dates)"
    ).fetchone()
    if not found or not found[0]:
        message = (
            "В архиве нет ни calendar.txt, ни calendar_dates.txt: неизвестно, по каким дням ходят рейсы."
        )
        raise DeliveryError(
            delivery.paths[0].name, [Reason("zip.members", message, "Добавьте календарь в архив.")]
        )
    connection.execute(
        f"""
        create table days as select unnest(generate_series(date '{first}', date '{last}', interval 1 day))::DATE as on_day;
        create table service_day as
            select service_id, on_day from t_calendar, days
            where broken is null and on_day between day(start_date) and day(end_date)
                and (list_value({", ".join(WEEK)}))[isodow(on_day)] = '1'
            union
            select service_id, day(date) from t_calendar_dates
            where broken is null and exception_type = '1' and day(date) in (select on_day from days);
        delete from service_day where (service_id, on_day) in (
            select (service_id, day(date)) from t_calendar_dates where broken is null and exception_type = '2');
        create table service as
            select service_id, count(distinct on_day) as days, max(ends) as ends from (
                select service_id, null::DATE as on_day, day(end_date) as ends from t_calendar where broken is null
                union all
                select service_id, null, case when exception_type = '1' then day(date) end
                from t_calendar_dates where broken is null
                union all
                select service_id, on_day, null from service_day)
            group by service_id;
        create table day_kind as
            select row_number() over (order by services) as kind, services, count(*) as days
            from (select on_day, list(service_id order by service_id) as services from service_day group by on_day)
            group by services;
        """
    )


def _place(table: str) -> str:
    """SQL: the line of a file, counted with its header."""
    return f"'{table}.txt, строка ' || (row_no + 1)"


# the first of stops and routes that have the same id; all of them are objects, and the suite holds them back
STOPS = """
create table stop as
    select stop_id, any_value(stop_lat::DOUBLE order by row_no) as lat, any_value(stop_lon::DOUBLE order by row_no) as lon
    from t_stops where broken is null and coalesce(location_type, '0') = '0' group by stop_id;
create table route as select distinct on (route_id) * from t_routes where broken is null order by route_id, row_no;
"""

# Stops of trips in their order. Times that are left out between two given ones lie evenly between them.
CALLED = """
create table given as
    select trip_id, stop_id, row_no, coalesce(pickup_type, '0') <> '1' as picks_up,
        seconds(coalesce(arrival_time, departure_time)) as arrives, seconds(coalesce(departure_time, arrival_time)) as leaves,
        row_number() over (partition by trip_id order by stop_sequence::INTEGER, row_no) as number,
        count(*) over (partition by trip_id) as stops
    from t_stop_times where broken is null;
create table called as
    with near as (
        select *,
            last_value(case when leaves is not null then number end ignore nulls) over before as number_before,
            last_value(leaves ignore nulls) over before as left_before,
            first_value(case when arrives is not null then number end ignore nulls) over after as number_after,
            first_value(arrives ignore nulls) over after as arrives_after
        from given
        window before as (partition by trip_id order by number rows between unbounded preceding and current row),
            after as (partition by trip_id order by number rows between current row and unbounded following)
    ), timed as (
        select trip_id, stop_id, number, stops, picks_up, arrives is not null as has_time,
            coalesce(arrives, left_before + (arrives_after - left_before) * (number - number_before)
                / (number_after - number_before)) as arrives,
            coalesce(leaves, left_before + (arrives_after - left_before) * (number - number_before)
                / (number_after - number_before)) as leaves
        from near
    )
    select timed.*, stop.stop_id is not null as is_known,
        lag(timed.stop_id) over trip as from_stop, lag(leaves) over trip as left_before,
        km(lag(lat) over trip, lag(lon) over trip, lat, lon) as leg_km
    from timed left join stop using (stop_id)
    window trip as (partition by trip_id order by number);
"""

# A departure and an arrival on whole minutes may be a minute apart more than they say.
TRIPS = """
create table shape as
    select shape_id, sum(leg) as shape_km from (
        select shape_id, km(lag(shape_pt_lat::DOUBLE) over line, lag(shape_pt_lon::DOUBLE) over line,
            shape_pt_lat::DOUBLE, shape_pt_lon::DOUBLE) as leg
        from t_shapes where broken is null
        window line as (partition by shape_id order by shape_pt_sequence::INTEGER, row_no))
    group by shape_id;
create table journey as
    select trip_id, max(stops) as stops, min(leaves) filter (number = 1) as starts, max(arrives) filter (number = stops) as ends,
        sum(leg_km) as straight_km,
        max(leg_km / greatest(arrives - left_before + case when arrives % 60 = 0 and left_before % 60 = 0 then 60 else 0 end, 1)
            * 3600) as fastest_kmh,
        string_agg(stop_id, ', ' order by number) filter (not is_known) as unknown_stops,
        bool_and(has_time) filter (number in (1, stops)) as has_ends,
        min(number) filter (has_time and (arrives < left_before or leaves < arrives)) as goes_back_at
    from called group by trip_id;
create table headway as
    select trip_id, starts, seconds(end_time) as until, headway_secs::INTEGER as headway_s from (
        select *, seconds(start_time) as starts from t_frequencies where broken is null);
create table trip as
    select trips.row_no, trips.trip_id, trips.route_id, coalesce(direction_id, '') as direction, trips.service_id,
        coalesce(days, 0) as days, service.ends as calendar_ends, journey.starts, journey.ends, straight_km, fastest_kmh,
        case when straight_km > 0 then coalesce(shape_km, straight_km) end as length_km,
        nullif(concat_ws('; ',
            case when route.route_id is null then 'маршрут ' || coalesce(trips.route_id, '–') end,
            case when service.service_id is null then 'календарь ' || coalesce(trips.service_id, '–') end,
            case when unknown_stops is not null then 'остановка ' || unknown_stops end), '') as missing_reference,
        case when journey.trip_id is null then 'у рейса нет остановок'
            when stops < 2 then 'у рейса одна остановка'
            when not has_ends then 'нет времени у первой или последней остановки'
            when goes_back_at is not null then 'время убывает на остановке № ' || goes_back_at
            end as time_fault
    from (select * from t_trips where broken is null) as trips
        left join route on trips.route_id = route.route_id
        left join service on trips.service_id = service.service_id
        left join journey on trips.trip_id = journey.trip_id
        left join shape on trips.shape_id = shape.shape_id;
"""

RUNNING = """
create table running as
    select distinct on (trip_id) * from trip
    where missing_reference is null and time_fault is null and days > 0 order by trip_id, row_no;
-- when each trip leaves its first stop, once or every few minutes
create table run as
    select trip_id, unnest(range(headway.starts, until, headway_s)) as starts from headway semi join running using (trip_id)
    union all
    select trip_id, starts from running anti join headway using (trip_id);
create table runs as select trip_id, count(*) as runs from run group by trip_id;
"""

# By kind of day: the departures of a stop on a route in a direction. Nobody boards at the last stop.
LINES = """
create table departure as
    select kind, day_kind.days, route_id, direction, stop_id, count(*) as departures,
        max(run.starts + leaves - running.starts) - min(run.starts + leaves - running.starts) as span_s
    from running
        inner join day_kind on list_contains(services, service_id)
        inner join run using (trip_id)
        inner join called using (trip_id)
    where number < stops and picks_up
    group by all;
create table call as
    select route_id, direction, stop_id, sum(days) as service_days, sum(departures * days) as departures,
        sum((departures - 1) * days) as intervals, sum(span_s * days) / 60 as span_minutes
    from departure group by all;
create table visited as
    select stop_id, sum(days) as service_days from (
        select distinct stop_id, kind, day_kind.days
        from running inner join day_kind on list_contains(services, service_id) inner join called using (trip_id))
    group by stop_id;
create table route_day as
    select route_id, sum(days) as service_days from (
        select distinct route_id, kind, day_kind.days from running inner join day_kind on list_contains(services, service_id))
    group by route_id;
create table line as
    select route_id, sum(longest) as length_km from (
        select route_id, direction, max(length_km) as longest from running group by all)
    group by route_id;
-- each way between two stops once, under the first route that takes it
create table network as
    select route_id, sum(way_km) as network_km from (
        select min(route_id) as route_id, min(leg_km * length_km / straight_km) as way_km
        from called inner join running using (trip_id)
        where from_stop is not null and from_stop <> stop_id and straight_km > 0 group by from_stop, stop_id)
    group by route_id;
"""

OBJECTS = f"""
insert into rows by name
    select row_no as position, 'stop' as object, stop_id as code, stop_name as name, stop_lat as latitude, stop_lon as longitude,
        written(km(lat, lon, (select median(lat) from stop), (select median(lon) from stop))) as km_from_centre,
        coalesce(service_days, 0)::BIGINT::VARCHAR as service_days,
        coalesce(departures, 0)::BIGINT::VARCHAR as departures, {_place("stops")} as row_place
    from (select *, stop_lat::DOUBLE as lat, stop_lon::DOUBLE as lon from t_stops
            where broken is null and coalesce(location_type, '0') = '0')
        left join visited using (stop_id)
        left join (select stop_id, sum(departures) as departures from call group by stop_id) using (stop_id);
insert into rows by name
    select 100000000000 + row_no as position, 'route' as object, route_id as code,
        coalesce(route_short_name, route_long_name) as name, route_id as route, mode_of(route_type::INTEGER) as mode,
        coalesce(service_days, 0)::BIGINT::VARCHAR as service_days, written(length_km) as length_km,
        written(case when length_km is not null then coalesce(network_km, 0) end) as network_km, {_place("routes")} as row_place
    from (select * from t_routes where broken is null)
        left join route_day using (route_id) left join line using (route_id) left join network using (route_id);
insert into rows by name
    select 200000000000 + trip.row_no as position, 'trip' as object, trip.trip_id as code, trip.route_id as route, trip.direction,
        mode_of(route_type::INTEGER) as mode, trip.days::VARCHAR as service_days,
        (coalesce(runs, 0) * trip.days)::BIGINT::VARCHAR as runs,
        written((trip.ends - trip.starts) / 3600 * coalesce(runs, 0) * trip.days) as vehicle_hours,
        written(trip.length_km) as length_km, written(trip.length_km * coalesce(runs, 0) * trip.days) as vehicle_km,
        written(trip.fastest_kmh) as fastest_kmh, missing_reference, time_fault,
        trip.calendar_ends::VARCHAR as calendar_ends, {_place("trips").replace("row_no", "trip.row_no")} as row_place
    from trip left join runs using (trip_id) left join route using (route_id);
insert into rows by name
    select 300000000000 + row_number() over (order by route_id, direction, stop_id) as position, 'call' as object,
        concat_ws('/', route_id, direction, stop_id) as code, route_id as route, direction,
        mode_of(route_type::INTEGER) as mode, service_days::BIGINT::VARCHAR as service_days,
        departures::BIGINT::VARCHAR as departures, intervals::BIGINT::VARCHAR as intervals, written(span_minutes) as span_minutes,
        'stop_times.txt, маршрут ' || route_id || ', остановка ' || stop_id as row_place
    from call left join route using (route_id);
"""
