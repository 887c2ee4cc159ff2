{# What identifies a figure. #}
{% macro figure_key(table) -%}
    {{ table }}.indicator,
    {{ table }}.ref_area,
    {{ table }}.freq,
    {{ table }}.time_period,
    {{ table }}.breakdown
{%- endmacro %}

{# The join of two tables by the same figure, or by that of another period. #}
{% macro same_figure(left, right, time_period='time_period', ref_area=none) -%}
    {{ left }}.indicator = {{ right }}.indicator
    and {{ ref_area or left ~ '.ref_area' }} = {{ right }}.ref_area
    and {{ left }}.freq = {{ right }}.freq
    and {{ left }}.{{ time_period }} = {{ right }}.time_period
    and {{ left }}.breakdown = {{ right }}.breakdown
{%- endmacro %}

{# A value rounded to the decimals that are shown, half away from zero. DuckDB rounds to a constant number of them. #}
{% macro rounded(value, decimals) -%}
    cast(case {{ decimals }}
        {%- for places in range(6) %}
        when {{ places }} then round({{ value }}, {{ places }})
        {%- endfor %}
        else {{ value }}
    end as numeric(24, 6))
{%- endmacro %}

{#
    A binary number as a numeric: the same on both engines, because four decimals of a figure are far from the end of
    what either keeps of a binary number.
#}
{% macro from_binary(expression) -%}
    cast(cast({{ expression }} as numeric(24, 4)) as numeric(24, 6))
{%- endmacro %}

{# 97.5 % of a normal distribution lie below: both sides of a 95 % interval. #}
{% macro z_of_95() -%}
    cast(1.959964 as double precision)
{%- endmacro %}

{# The square of the distance of two figures, as a binary number: its own digits would not fit a numeric. #}
{% macro square(one, other) -%}
    cast({{ one }} - {{ other }} as double precision) * cast({{ one }} - {{ other }} as double precision)
{%- endmacro %}

{#
    Whether two figures with intervals differ: zero lies outside the interval of their difference, which is composed of
    the distances of both figures from their limits (method of variance estimates recovery: Newcombe 1998 for shares,
    Zou and Donner 2008 for any). Null where one has no interval.
#}
{% macro differs(figures, others) -%}
    {%- set apart = square(figures ~ '.obs_value', others ~ '.obs_value') -%}
    case
        when {{ figures }}.interval_lower is null or {{ others }}.interval_lower is null then null
        when {{ figures }}.obs_value >= {{ others }}.obs_value
            then
                {{ apart }}
                > {{ square(figures ~ '.obs_value', figures ~ '.interval_lower') }}
                + {{ square(others ~ '.interval_upper', others ~ '.obs_value') }}
        else
            {{ apart }}
            > {{ square(figures ~ '.interval_upper', figures ~ '.obs_value') }}
            + {{ square(others ~ '.obs_value', others ~ '.interval_lower') }}
    end
{%- endmacro %}

{#
    A quartile of obs_value over the rows of a group, which are numbered by position from 0 to last_position. Between two
    values it is interpolated: position q / 4 x (n - 1) counted from the least (R's type 7, the same as percentile_cont). Null for fewer than three.
#}
{% macro quartile(quarters) -%}
    {%- set wanted = 'last_position * ' ~ quarters -%}
    {{ fixed('case when count(*) >= 3 then ' ~ fixed(
        'sum(obs_value * cast(case'
        ~ ' when position * 4 <= ' ~ wanted ~ ' and (position + 1) * 4 > ' ~ wanted
        ~ ' then (position + 1) * 4 - ' ~ wanted
        ~ ' when (position - 1) * 4 <= ' ~ wanted ~ ' and position * 4 > ' ~ wanted
        ~ ' then ' ~ wanted ~ ' - (position - 1) * 4'
        ~ ' else 0 end as integer))'
    ) ~ ' * 0.25 end') }}
{%- endmacro %}

{# The place of a value on the scale of a profile: 50 is the middle, and reach the greatest distance from it. #}
{% macro on_spine(value) -%}
    {{ fixed('50 + ' ~ exact_ratio(fixed('(' ~ value ~ ' - middle) * sign'), 'reach', fixed('50'))) }}
{%- endmacro %}

{# The join of a figure with how the figures of its level, or of a size group of it, lie. #}
{% macro same_distribution(figures, distribution, size_group) -%}
    {{ figures }}.indicator = {{ distribution }}.indicator
    and {{ figures }}.level = {{ distribution }}.level
    and {{ size_group }} = {{ distribution }}.size_group
    and {{ figures }}.freq = {{ distribution }}.freq
    and {{ figures }}.time_period = {{ distribution }}.time_period
    and {{ figures }}.breakdown = {{ distribution }}.breakdown
{%- endmacro %}
