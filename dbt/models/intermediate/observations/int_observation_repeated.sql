-- Observations that another load of the same instance gives too: they are never added up. What adds up is a flow that
-- several slices of one part bring in pieces, each with days of its period; of anything else one load counts: one that
-- delivers that period before one that does not, then the one with the later days, then the one that was there first.
with loads as (
    select
        load_id,
        load_no,
        source,
        feed,
        instance,
        part,
        first_day,
        last_day
    from {{ source('ops', 'effective_load') }}
),

told as (
    select
        scopes.measure,
        scopes.freq,
        scopes.code as time_period,
        loads.*,
        case
            when loads.first_day <= periods.last_day and loads.last_day >= periods.first_day then 1 else 0
        end as is_within
    from {{ ref('int_load_scope') }} as scopes
    inner join loads on scopes.load_id = loads.load_id
    left join {{ ref('dim_period') }} as periods
        on scopes.freq = periods.freq and scopes.code = periods.time_period
    where scopes.axis = 'period'
),

pairs as (
    select
        given.load_id,
        kept.load_id as kept_load_id,
        given.measure,
        given.freq,
        given.time_period
    from told as given
    inner join told as kept
        on
            given.measure = kept.measure
            and given.freq = kept.freq
            and given.time_period = kept.time_period
            and given.source = kept.source
            and given.feed = kept.feed
            and given.instance = kept.instance
            and given.load_id <> kept.load_id
    inner join {{ source('catalogue', 'measure') }} as measures on given.measure = measures.measure
    where
        not (
            measures.time_rule = 'sum'
            and given.part = kept.part
            and given.is_within = 1
            and kept.is_within = 1
        )
        and (
            kept.is_within > given.is_within
            or (
                kept.is_within = given.is_within
                and (
                    coalesce(kept.last_day > given.last_day, false)
                    or (
                        coalesce(kept.last_day = given.last_day, kept.last_day is null and given.last_day is null)
                        and kept.load_no < given.load_no
                    )
                    or (kept.last_day is not null and given.last_day is null)
                )
            )
        )
)

select
    given.load_id,
    given.measure,
    given.ref_area,
    given.freq,
    given.time_period,
    given.breakdown,
    min(pairs.kept_load_id) as kept_load_id
from pairs
inner join {{ ref('int_observations_by_load') }} as given
    on
        pairs.load_id = given.load_id
        and pairs.measure = given.measure
        and pairs.freq = given.freq
        and pairs.time_period = given.time_period
inner join {{ ref('int_observations_by_load') }} as kept
    on
        pairs.kept_load_id = kept.load_id
        and given.measure = kept.measure
        and given.freq = kept.freq
        and given.time_period = kept.time_period
        and given.ref_area = kept.ref_area
        and given.breakdown = kept.breakdown
group by given.load_id, given.measure, given.ref_area, given.freq, given.time_period, given.breakdown
