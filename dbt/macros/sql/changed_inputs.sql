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
