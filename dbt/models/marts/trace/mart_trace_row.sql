-- Last step back: the rows of the delivered files that an observation is the sum of.
{{ config(materialized='view') }}
select
    parts.measure,
    parts.ref_area,
    parts.breakdown,
    parts.freq,
    parts.time_period,
    parts.load_id,
    parts.row_no,
    parts.value,
    loads.source,
    loads.feed,
    loads.instance,
    loads.slice,
    loads.files,
    loads.sha256,
    loads.received_at
from {{ ref('int_contributions') }} as parts
inner join {{ source('ops', 'load_state') }} as loads on parts.load_id = loads.load_id
