select
    targets.programme,
    targets.target,
    targets.indicator,
    targets.ref_area,
    cast(targets.year as varchar) as time_period,
    targets.version_no,
    targets.is_newest,
    targets.valid_from,
    targets.valid_to,
    targets.act as legal_act,
    targets.plan_value,
    targets.baseline_value,
    cast(targets.baseline_year as varchar) as baseline_period,
    targets.baseline_ru,
    targets.baseline_be,
    targets.baseline_en,
    targets.reference,
    {{ names_of('indicators', 'indicator') }},
    {{ names_of('territories', 'ref_area') }},
    programmes.synthetic
from {{ ref('stg_catalogue__target') }} as targets
inner join {{ ref('mart_programme') }} as programmes on targets.programme = programmes.programme
left join {{ ref('stg_catalogue__indicator') }} as indicators on targets.indicator = indicators.indicator
left join {{ ref('dim_territory') }} as territories on targets.ref_area = territories.ref_area
