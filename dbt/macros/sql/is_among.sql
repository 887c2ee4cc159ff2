{# Whether a period is one of a list, which is text with a blank between the periods. #}
{% macro is_among(period, list) -%}
    ' ' || {{ list }} || ' ' like '% ' || {{ period }} || ' %'
{%- endmacro %}
