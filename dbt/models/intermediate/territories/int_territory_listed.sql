-- Each territory that any accepted register ever listed, as the last one with it has it, and since when, until when it
-- is listed: by the change that somebody told, else by the day on which the first register with it, without it, came.
-- Null where it stood in the first register, and where it stands in that of today.
with history as (
    select * from {{ ref('stg_territory_register__territory_history') }}
),

registers as (
    select
        load_no,
        received_on,
        lead(received_on) over (order by load_no) as replaced_on,
        max(load_no) over () as newest_no,
        min(load_no) over () as oldest_no
    from (select distinct load_no, received_on from history) as entered
),

ranked as (
    select
        history.*,
        registers.replaced_on,
        registers.newest_no,
        registers.oldest_no,
        min(history.load_no) over (partition by history.ref_area) as first_no,
        row_number() over (partition by history.ref_area order by history.load_no desc) as age_rank
    from history
    inner join registers on history.load_no = registers.load_no
),

begun as (
    select
        to_id as ref_area,
        min(valid_from) as begun_on
    from {{ ref('int_territory_change') }}
    where kind in ('merge', 'split')
    group by to_id
),

ended as (
    select
        ref_area,
        max(valid_from) as ended_on
    from {{ ref('int_territory_change') }}
    where kind in ('merge', 'split')
    group by ref_area
)

select
    ranked.ref_area,
    ranked.level,
    ranked.name_ru,
    ranked.name_be,
    ranked.parent_id,
    ranked.lon,
    ranked.lat,
    ranked.load_id,
    ranked.load_no = ranked.newest_no as is_listed,
    case
        when ranked.first_no > ranked.oldest_no then coalesce(begun.begun_on, firsts.received_on)
    end as listed_from,
    case
        when ranked.load_no < ranked.newest_no then coalesce(ended.ended_on, ranked.replaced_on) - 1
    end as listed_to
from ranked
inner join registers as firsts on ranked.first_no = firsts.load_no
left join begun on ranked.ref_area = begun.ref_area
left join ended on ranked.ref_area = ended.ref_area
where ranked.age_rank = 1
