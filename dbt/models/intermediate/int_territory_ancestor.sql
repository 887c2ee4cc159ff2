-- Each territory with every territory above it.
with recursive chain as (
    select
        ref_area,
        parent as ancestor,
        1 as distance
    from {{ ref('dim_territory') }}
    where parent is not null
    union all
    select
        chain.ref_area,
        above.parent as ancestor,
        chain.distance + 1 as distance
    from chain
    inner join {{ ref('dim_territory') }} as above on chain.ancestor = above.ref_area
    where above.parent is not null and chain.distance < 10
)

select
    ref_area,
    ancestor,
    distance
from chain
