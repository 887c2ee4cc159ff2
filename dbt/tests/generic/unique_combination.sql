{#
    The columns together are a key. Nulls count as equal. The rows of a load never change: with new_loads only those are
    looked at that no sound build has tested yet, so that the cost follows what is new.
#}
{% test unique_combination(model, columns, new_loads=false) %}
    select {{ columns | join(', ') }}, count(*) as copies
    from {{ rows_of_loads(model, untested_loads()) if new_loads else model }} as tested
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}
