-- Two loads in force of one source, feed, instance and part have no day in common, unless one says that nothing is
-- kept.
select
    earlier.load_id,
    later.load_id as also_counted,
    earlier.source,
    earlier.feed,
    earlier.instance,
    earlier.slice,
    later.slice as also_slice
from {{ source('ops', 'effective_load') }} as earlier
inner join {{ source('ops', 'effective_load') }} as later
    on
        earlier.source = later.source
        and earlier.feed = later.feed
        and earlier.instance = later.instance
        and earlier.part = later.part
        and earlier.load_id < later.load_id
where
    not earlier.not_retained
    and not later.not_retained
    and (
        earlier.first_day is null
        or later.first_day is null
        or (earlier.first_day <= later.last_day and earlier.last_day >= later.first_day)
    )
