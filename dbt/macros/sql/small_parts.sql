{#
    Whether a part above zero is hidden: it counts few people's doings, or is the next smallest beside the only such part,
    which could otherwise be subtracted from the total. what is the column that the parts belong to: indicator, measure.
#}
{% macro is_hidden_part(what, parts, value, minimum_cell) -%}
    {%- set together = 'partition by ' ~ parts ~ '.' ~ what ~ ', ' ~ parts ~ '.ref_area, ' ~ parts ~ '.time_period' -%}
    {{ value }} < {{ minimum_cell }}
    or (
        sum(case when {{ value }} < {{ minimum_cell }} then 1 else 0 end) over ({{ together }}) = 1
        and row_number() over ({{ together }} order by {{ value }}, {{ parts }}.breakdown) = 2
    )
{%- endmacro %}
