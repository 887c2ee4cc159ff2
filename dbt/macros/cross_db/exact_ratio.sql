{#
    scale x numerator / denominator, rounded half away from zero to six decimals; null where the denominator is
    null or zero. The arguments are numerics of six decimals, scale above zero; the division is exact, in whole numbers.
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
    floor((2 x |n| x scale x 10^6 + |d|) / (2 x |d|)) millionths, with the sign put back. n and scale are scaled by 10^6
    each, d once. Whole numbers of 128 bits divide slowly, and so do casts between scales: one division is left.
#}
{% macro duckdb__exact_ratio(numerator, denominator, scale) -%}
    cast(
        (
            cast((
                2 * abs({{ gorod.millionths(numerator) }}) * {{ gorod.millionths(scale) }}
                + abs({{ gorod.millionths(denominator) }})
            ) // nullif(2 * abs({{ gorod.millionths(denominator) }}), 0) as numeric(38, 0))
            * sign({{ numerator }}) * sign({{ denominator }})
        ) * 0.000001 as numeric(24, 6)
    )
{%- endmacro %}

{#
    A numeric of six decimals as a whole number of millionths, for DuckDB. Below 10^9 a double holds each of them apart
    (10^15 < 2^53), and is fifty times faster.
#}
{% macro millionths(value) -%}
    case
        when abs({{ value }}) < 1000000000 then cast(round(cast({{ value }} as double) * 1000000) as hugeint)
        else cast({{ value }} * 1000000 as hugeint)
    end
{%- endmacro %}
