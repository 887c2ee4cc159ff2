-- Percentile of the values of the reporting territories below, for the indicators that are rolled up so. Between two
-- values it is interpolated: position p x (n - 1) counted from the least (R's type 7, the same as percentile_cont).
{% set one_if_none = 'coalesce(units.denominator, ' ~ fixed('1') ~ ')' %}
with ranked as (
    select
        members.indicator,
        members.target as ref_area,
        members.freq,
        members.time_period,
        units.breakdown,
        indicators.percentile,
        {{ exact_ratio('units.numerator', one_if_none, 'methods.scale') }} as value,
        row_number() over (
            partition by members.indicator, members.target, members.freq, members.time_period, units.breakdown
            order by {{ exact_ratio('units.numerator', one_if_none, 'methods.scale') }}, members.member
        ) - 1 as position,
        count(*) over (
            partition by members.indicator, members.target, members.freq, members.time_period, units.breakdown
        ) - 1 as last_position
    from {{ ref('int_indicator_member') }} as members
    inner join {{ source('catalogue', 'indicator') }} as indicators
        on members.indicator = indicators.indicator and indicators.roll_up = 'percentile'
    inner join {{ ref('int_indicator_unit') }} as units
        on
            members.indicator = units.indicator
            and members.freq = units.freq
            and members.time_period = units.time_period
            and members.member = units.ref_area
    inner join {{ source('catalogue', 'indicator_method') }} as methods
        on units.indicator = methods.indicator and units.method_version = methods.method_version
    where units.is_complete and coalesce(units.denominator, 1) <> 0
),

placed as (
    select
        ranked.*,
        {{ fixed('percentile * last_position * 0.01') }} as wanted,
        floor({{ fixed('percentile * last_position * 0.01') }}) as below
    from ranked
)

select
    indicator,
    ref_area,
    freq,
    time_period,
    breakdown,
    {{ fixed('sum(
        case
            when position = below then value * (1 - (wanted - below))
            when position = below + 1 then value * (wanted - below)
        end
    )') }} as value
from placed
group by indicator, ref_area, freq, time_period, breakdown
