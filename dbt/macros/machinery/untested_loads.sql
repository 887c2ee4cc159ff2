{#
    The loads in force whose rows no sound build of the same definitions has tested. int_load_scope holds in which build
    each load was computed, and is made anew when the definitions change: then every load is untested again.
#}
{% macro untested_loads() -%}
    (
        select loads.load_id from {{ source('ops', 'effective_load') }} as loads
        except
        select scopes.load_id
        from {{ ref('int_load_scope') }} as scopes
        inner join {{ source('ops', 'build_state') }} as builds on scopes.computed_in = builds.invocation_id
        where builds.ok and builds.whole
    )
{%- endmacro %}
