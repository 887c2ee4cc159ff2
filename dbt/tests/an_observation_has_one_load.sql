-- Two loads of one instance that give the same observation are not added up; they are reported here, for one
-- of them does not hold what its feed, part or period says. The figures are those of the other, so the build goes on.
{{ config(severity='warn') }}
select
    load_id,
    kept_load_id,
    measure,
    min(time_period) as first_period,
    max(time_period) as last_period,
    count(*) as observations
from {{ ref('int_observation_repeated') }}
group by load_id, kept_load_id, measure
