-- Answers to the questionnaire: rows of effective loads, which are approved. An answer describes the end of its
-- half-year, so its period is the last month.
select
    delivered.load_id,
    delivered.row_no,
    loads.instance,
    loads.ref_area,
    {{ month_code('loads.last_day') }} as time_period,
    delivered.question,
    delivered.answer,
    delivered.evidence
from {{ source('raw', 'giprosvyaz_survey__answers') }} as delivered
inner join {{ source('ops', 'effective_load') }} as loads on delivered.load_id = loads.load_id
