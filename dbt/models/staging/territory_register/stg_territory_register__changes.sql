-- Mergers, splits and moves of territories, as somebody delivered them, with the days from which they hold.
select
    changes.load_id,
    changes.row_no,
    changes.kind,
    changes.territory_id as ref_area,
    changes.from_id,
    changes.to_id,
    changes.valid_from,
    -- a merger takes the whole; the share of a split is given, or is not known
    {{ fixed("case when changes.kind = 'merge' then coalesce(changes.weight, 1) else changes.weight end") }} as weight,
    changes.act
from {{ source('raw', 'territory_register__changes') }} as changes
inner join {{ source('ops', 'effective_load') }} as loads on changes.load_id = loads.load_id
