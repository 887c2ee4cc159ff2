-- The history of changes of territorial units, in the words of this warehouse, by codes of SOATO.
select
    changes.load_id,
    changes.row_no,
    case changes.kind
        when 'объединение' then 'merge'
        when 'разделение' then 'split'
        when 'передача' then 'move'
        when 'переименование' then 'rename'
    end as kind,
    changes.soato,
    changes.new_soato,
    changes.from_soato,
    changes.to_soato,
    changes.valid_from,
    -- a merger takes the whole; the share of a split is given, or is not known
    {{ fixed("coalesce(changes.share, case when changes.kind = 'объединение' then 1 end)") }} as weight,
    changes.act
from {{ source('raw', 'nca_register__changes') }} as changes
inner join {{ source('ops', 'effective_load') }} as loads on changes.load_id = loads.load_id
