{#
    The inputs that a model of the materialization follow_inputs is computed from: measure or indicator, and time_period.
    The comments are marks: the materialization puts there what has changed.
#}
{% macro changed_inputs(what) -%}
    (
        select inputs.{{ what }}, inputs.time_period
        from {{ ref('int_' ~ what ~ '_input') }} as inputs
        where {{ in_changed_periods('inputs') }} and true /* not held */
    )
{%- endmacro %}

{# The same as constants, which get further down into views than a join does; on demand with the months of each. #}
{% macro in_changed_periods(alias, months=false) -%}
    true /* periods{{ ' and months' if months }} of {{ alias }} */
{%- endmacro %}

{#
    The loads that a query names, for a condition "in": as constants, which get further down into views than a join does.
    As the query itself where there are very many, and where the tables that it asks are not there.
#}
{% macro listed_loads(query, asked) -%}
    {%- set is_there = execute and load_relation(asked) is not none -%}
    {%- set found = run_query(query).columns[0].values() if is_there else [] -%}
    {%- if not is_there or found | length > 1000 -%}
        ({{ query }})
    {%- else -%}
        ('{{ found | join("', '") }}')
    {%- endif -%}
{%- endmacro %}
