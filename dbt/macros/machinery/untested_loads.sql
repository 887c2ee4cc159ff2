{#
    The loads in force whose rows no sound build of the same definitions has tested: none went well since they were
    computed. int_load_scope holds in which build that was, and is made anew when the definitions change: then every load
    is untested again.
#}
{% macro untested_loads() -%}
    {%- set query -%}
        select loads.load_id from {{ source('ops', 'effective_load') }} as loads
        except
        select scopes.load_id
        from {{ ref('int_load_scope') }} as scopes
        inner join {{ source('ops', 'build_state') }} as computed on scopes.computed_in = computed.invocation_id
        where
            computed.build_no <= (
                select max(sound.build_no) from {{ source('ops', 'build_state') }} as sound
                where sound.ok and sound.whole
            )
    {%- endset -%}
    {{ gorod.listed_loads(query, ref('int_load_scope')) }}
{%- endmacro %}
