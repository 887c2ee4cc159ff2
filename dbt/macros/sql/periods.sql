{# SDMX code of the month of a date: 2018-04. A date as text is ISO 8601 on both engines. #}
{% macro month_code(day) -%}
    substr(cast({{ day }} as varchar), 1, 7)
{%- endmacro %}

{# Year of an SDMX period code; null for _Z (no period). #}
{% macro year_of(time_period) -%}
    case when {{ time_period }} <> '_Z' then cast(substr({{ time_period }}, 1, 4) as integer) end
{%- endmacro %}

{# The same period a year before: 2018-Q2 becomes 2017-Q2. #}
{% macro year_before(time_period) -%}
    case
        when {{ time_period }} <> '_Z'
            then cast(cast(substr({{ time_period }}, 1, 4) as integer) - 1 as varchar) || substr({{ time_period }}, 5)
    end
{%- endmacro %}

{#
    The day that it is in Minsk: that which Gorod says (GOROD_TODAY), else the warehouse's clock. Asked for while a model is
    run, not when it is read: a new day makes no project to be parsed anew.
#}
{% macro today() -%}
    {%- set given = env_var('GOROD_TODAY', '') if execute else '' -%}
    {%- if given -%}
        cast('{{ given }}' as date)
    {%- else -%}
        cast(current_timestamp at time zone 'Europe/Minsk' as date)
    {%- endif -%}
{%- endmacro %}
