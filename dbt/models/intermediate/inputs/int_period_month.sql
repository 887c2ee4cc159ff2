-- The months that a quarter, half-year or year is made of.
select
    periods.time_period,
    periods.freq,
    periods.months as months_expected,
    months.time_period as month,
    months.last_day = periods.last_day as is_last
from {{ ref('dim_period') }} as periods
inner join {{ ref('dim_period') }} as months
    on
        months.freq = 'M'
        and periods.year = months.year
        and periods.first_month <= months.first_month
        and months.first_month < periods.first_month + periods.months
where periods.freq <> 'M'
