{# Every figure is a numeric of six decimals: the same on both engines. #}
{% macro fixed(expression) -%}
    cast({{ expression }} as numeric(24, 6))
{%- endmacro %}

{# Share in per cent with two decimals, from two counts. #}
{% macro percentage(part, whole) -%}
    cast({{ exact_ratio(fixed(part), fixed(whole), fixed('100')) }} as numeric(9, 2))
{%- endmacro %}
