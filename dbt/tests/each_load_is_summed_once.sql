-- The sums of a load are those that were there when it was computed: no later build has added them once more, or taken
-- some away. (What a build adds is tested for itself.)
select
    coalesce(held.load_id, told.load_id) as load_id,
    held.figures,
    told.figures as figures_when_computed
from (
    select load_id, count(*) as figures
    from {{ ref('int_observations_by_load') }}
    where ref_area is not null and breakdown <> '_U'
    group by load_id
) as held
full outer join (
    select load_id, sum(figures) as figures
    from {{ ref('int_load_scope') }}
    where axis = 'period'
    group by load_id
    having sum(figures) > 0
) as told on held.load_id = told.load_id
where held.figures is null or told.figures is null or held.figures <> told.figures
