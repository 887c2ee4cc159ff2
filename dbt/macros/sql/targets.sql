{# Whether a value has come to the wanted one: not above it where less is better, not below it elsewhere. #}
{% macro is_reached(value, wanted, direction) -%}
    case when {{ direction }} = 'down' then {{ value }} <= {{ wanted }} else {{ value }} >= {{ wanted }} end
{%- endmacro %}

{#
    How far a value has come to the wanted one, in per cent: value / wanted, or wanted / value where less is better.
    Null where the quotient says nothing: the wanted value is not above zero, or less is better and the value is not.
#}
{% macro reached_pct(value, wanted, direction) -%}
    cast(case
        when {{ wanted }} <= 0 or ({{ direction }} = 'down' and {{ value }} <= 0) then null
        when {{ direction }} = 'down' then {{ exact_ratio(wanted, value, fixed('100')) }}
        else {{ exact_ratio(value, wanted, fixed('100')) }}
    end as numeric(24, 6))
{%- endmacro %}
