{#
    The columns together are a key. Nulls count as equal. The rows of a load never change: with new_loads only those are
    looked at that no sound build has tested yet, so that the cost follows what is new.
#}
{% test unique_combination(model, columns, new_loads=false) %}
    select {{ columns | join(', ') }}, count(*) as copies
    from {{ model }}
    {% if new_loads %}
        where load_id in {{ untested_loads() }}
    {% endif %}
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}
