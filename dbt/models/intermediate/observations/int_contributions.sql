-- The contributions of all feeds, less what a figure holds of a territory that lies beside its own.
{{ config(materialized='view') }}
{{ contributions(ref('int_contributions_given'), ref('stg_catalogue__measure_part')) }}
