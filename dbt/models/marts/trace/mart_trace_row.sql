-- Last step back: the rows of the delivered files that an observation is the sum of.
{{ config(materialized='view') }}
{{ traced_rows(ref('int_contributions'), source('ops', 'load_state')) }}
