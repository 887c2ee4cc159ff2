-- Every delivery for days, let in or not, and the day in Minsk on which it arrived: the ledger keeps UTC.
{{ config(materialized='view') }}
select
    load_no,
    source,
    feed,
    instance,
    part,
    slice,
    first_day,
    last_day,
    cast(received_at as timestamp) as received_at,
    cast((received_at at time zone 'UTC') at time zone 'Europe/Minsk' as date) as received_on,
    outcome = 'accepted' as is_accepted,
    -- by the gate, or by a waiver later
    state <> 'rejected' as is_let_in,
    coalesce(synthetic, false) as synthetic
from {{ source('ops', 'load_state') }}
where first_day is not null and last_day is not null
