{# Every figure is a numeric of six decimals: the same on both engines. #}
{% macro fixed(expression) -%}
    cast({{ expression }} as numeric(24, 6))
{%- endmacro %}

{#
    scale x numerator / denominator, rounded half away from zero to six decimals; null where the denominator is
    null or zero. The arguments are numerics of six decimals; the division is exact, in whole numbers.
#}
{% macro exact_ratio(numerator, denominator, scale) -%}
    {{ return(adapter.dispatch('exact_ratio', 'gorod')(numerator, denominator, scale)) }}
{%- endmacro %}

{# Share in per cent with two decimals, from two counts. #}
{% macro percentage(part, whole) -%}
    cast({{ exact_ratio(fixed(part), fixed(whole), fixed('100')) }} as numeric(9, 2))
{%- endmacro %}
