{# Every figure is a numeric of six decimals: the same on both engines. #}
{% macro fixed(expression) -%}
    cast({{ expression }} as numeric(24, 6))
{%- endmacro %}

{# A product of two figures. Most are with one, and those cost nothing. #}
{% macro product(value, factor) -%}
    case when {{ factor }} = 1 then {{ value }} else {{ fixed(value ~ ' * ' ~ factor) }} end
{%- endmacro %}

{# Share in per cent with two decimals, from two counts. The whole of it, which is most, is not divided. #}
{% macro percentage(part, whole) -%}
    case
        when {{ part }} = {{ whole }} and {{ whole }} <> 0 then cast(100 as numeric(9, 2))
        -- what does not fit the type says no more: a part that is many times its whole is held back
        when {{ whole }} > 0 and {{ part }} / 90000 > {{ whole }} then cast(9000000 as numeric(9, 2))
        else cast({{ exact_ratio(fixed(part), fixed(whole), fixed('100')) }} as numeric(9, 2))
    end
{%- endmacro %}
