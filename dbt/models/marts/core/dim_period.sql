-- Months, quarters, half-years and years from the first to the last that anything is known of. Whether a period has
-- begun and ended is decided once for all models of a build.
with recursive known as (
    select
        cast(min(first_year) as integer) as first_year,
        cast(max(last_year) as integer) as last_year
    from (
        select
            {{ year_of('code') }} as first_year,
            {{ year_of('code') }} as last_year
        from {{ ref('int_load_scope') }}
        where axis = 'period' and code <> '_Z'
        union all
        select
            cast(extract(year from first_day) as integer) as first_year,
            cast(extract(year from last_day) as integer) as last_year
        from {{ source('ops', 'effective_load') }}
        where first_day is not null
    ) as years
),

years as (
    select first_year as year, last_year from known
    where first_year is not null
    union all
    select year + 1 as year, last_year from years
    where year < last_year
),

month_names (month_no, code, ru, be, en) as (
    values
    (1, '01', 'январь', 'студзень', 'January'),
    (2, '02', 'февраль', 'люты', 'February'),
    (3, '03', 'март', 'сакавік', 'March'),
    (4, '04', 'апрель', 'красавік', 'April'),
    (5, '05', 'май', 'май', 'May'),
    (6, '06', 'июнь', 'чэрвень', 'June'),
    (7, '07', 'июль', 'ліпень', 'July'),
    (8, '08', 'август', 'жнівень', 'August'),
    (9, '09', 'сентябрь', 'верасень', 'September'),
    (10, '10', 'октябрь', 'кастрычнік', 'October'),
    (11, '11', 'ноябрь', 'лістапад', 'November'),
    (12, '12', 'декабрь', 'снежань', 'December')
),

spans (freq, number, code, first_month, months, ru, be, en) as (
    values
    ('A', 1, '', 1, 12, '', '', ''),
    ('S', 1, '-S1', 1, 6, 'I полугодие', 'I паўгоддзе', 'first half of'),
    ('S', 2, '-S2', 7, 6, 'II полугодие', 'II паўгоддзе', 'second half of'),
    ('Q', 1, '-Q1', 1, 3, 'I квартал', 'I квартал', 'first quarter of'),
    ('Q', 2, '-Q2', 4, 3, 'II квартал', 'II квартал', 'second quarter of'),
    ('Q', 3, '-Q3', 7, 3, 'III квартал', 'III квартал', 'third quarter of'),
    ('Q', 4, '-Q4', 10, 3, 'IV квартал', 'IV квартал', 'fourth quarter of')
),

all_spans as (
    select freq, code, first_month, months, ru, be, en from spans
    union all
    select 'M', '-' || code, month_no, 1, ru, be, en from month_names
),

periods as (
    select
        cast(years.year as varchar) || all_spans.code as time_period,
        all_spans.freq,
        years.year,
        all_spans.first_month,
        all_spans.months,
        -- counts on from period to period of a frequency
        cast(floor((years.year * 12 + all_spans.first_month - 1) / (all_spans.months * 1.0)) as integer) as period_no,
        make_date(years.year, all_spans.first_month, 1) as first_day,
        case
            when all_spans.first_month + all_spans.months > 12 then make_date(years.year, 12, 31)
            else make_date(years.year, all_spans.first_month + all_spans.months, 1) - 1
        end as last_day,
        trim(all_spans.ru || ' ' || cast(years.year as varchar) || case
            when all_spans.freq = 'A' then ' год' else ' года'
        end) as name_ru,
        trim(all_spans.be || ' ' || cast(years.year as varchar) || case
            when all_spans.freq = 'A' then ' год' else ' года'
        end) as name_be,
        trim(all_spans.en || ' ' || cast(years.year as varchar)) as name_en
    from years
    cross join all_spans
)

select
    periods.*,
    first_day <= {{ today() }} as has_begun,
    last_day < {{ today() }} as has_ended
from periods
