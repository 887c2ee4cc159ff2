{#
    Whether a row may leave: true unless it is under embargo. For the WHERE of every model whose rows leave the warehouse and
    tell figures of an indicator or a measure: what says which of the two, relation is the alias that has the column of
    that name, period an expression for the period where it is another than relation.time_period.
#}
{% macro not_under_embargo(what, relation, period=none) -%}
    not exists (
        select 1 from {{ ref('int_embargo_' ~ what) }} as embargo
        where
            embargo.{{ what }} = {{ relation }}.{{ what }}
            and embargo.time_period = {{ period or relation ~ '.time_period' }}
    )
{%- endmacro %}
