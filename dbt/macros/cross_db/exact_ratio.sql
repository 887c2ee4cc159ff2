{#
    scale x numerator / denominator, rounded half away from zero to six decimals; null where the denominator is
    null or zero. The arguments are numerics of six decimals; the division is exact, in whole numbers.
#}
{% macro exact_ratio(numerator, denominator, scale) -%}
    {{ return(adapter.dispatch('exact_ratio', 'gorod')(numerator, denominator, scale)) }}
{%- endmacro %}

{# PostgreSQL divides numerics exactly enough: twenty decimals are kept before rounding. #}
{% macro default__exact_ratio(numerator, denominator, scale) -%}
    cast(round(
        cast({{ numerator }} as numeric(38, 6)) * {{ scale }} / nullif({{ denominator }}, 0), 6
    ) as numeric(24, 6))
{%- endmacro %}

{#
    DuckDB turns a division of numerics into floating point. Here both are whole numbers of millionths:
    floor((2 x |n| x scale x 10^6 + |d|) / (2 x |d|)) millionths, with the sign put back. n and scale are scaled by 10^6 each, d once.
#}
{% macro duckdb__exact_ratio(numerator, denominator, scale) -%}
    cast(
        (
            cast((
                2 * abs(cast({{ numerator }} * 1000000 as hugeint)) * cast({{ scale }} * 1000000 as hugeint)
                + abs(cast({{ denominator }} * 1000000 as hugeint))
            ) // nullif(2 * abs(cast({{ denominator }} * 1000000 as hugeint)), 0) as numeric(38, 0))
            * sign({{ numerator }}) * sign({{ denominator }})
        ) * 0.000001 as numeric(24, 6)
    )
{%- endmacro %}
